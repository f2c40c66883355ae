// The screen in the room asks again every few seconds; only when something changed is anything touched.

const numbers = document.getElementById("numbers");
const EVERY = 3000, LATER = 15_000;
let tag = "", turn = 0;

async function ask() {
  let wait = EVERY;
  try {
    const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (answer.ok) {
      tag = answer.headers.get("ETag") ?? "";
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("numbers");
      if (fresh && !fresh.isEqualNode(numbers)) numbers.replaceChildren(...fresh.childNodes);
    } else if (answer.status !== 304) wait = LATER;
  } catch { wait = LATER; /* away for a moment: what is shown stays */ }
  clearTimeout(turn);
  turn = setTimeout(ask, wait);
}
ask();

// A customer's conversation: shows answers as they arrive, names the files that go along, keeps what was typed.

const talk = document.getElementById("talk");
const form = document.querySelector(".portal-composer");
const QUICK = 4000, SLOW = 20000, LIVELY = 180000;
let tag = "", lively = Date.now() + LIVELY, timer = 0;

function plain(node) {
  return node.outerHTML.replace(/ open=""/g, "");
}

// Only what is new or differs is touched, so that nothing jumps and what was unfolded stays so.
function merge(now, next) {
  const old = new Map([...now.children].filter((c) => c.id).map((c) => [c.id, c]));
  let changed = false, place = now.firstElementChild;
  for (const fresh of [...next.children]) {
    const known = fresh.id && old.get(fresh.id);
    if (known) old.delete(fresh.id);
    let kept = fresh;
    if (known && fresh.id === "messages") { changed = merge(known, fresh) || changed; kept = known; }
    else if (known && plain(known) === plain(fresh)) kept = known;
    else changed = true;
    if (kept === place) place = place.nextElementSibling;
    else now.insertBefore(kept, place);
    if (known && kept !== known) { if (known === place) place = place.nextElementSibling; known.remove(); }
  }
  for (const gone of old.values()) { gone.remove(); changed = true; }
  return changed;
}

async function ask() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const headers = tag ? { "If-None-Match": tag } : {};
    const answer = await fetch(talk.dataset.news, { headers, cache: "no-store", referrerPolicy: "no-referrer" });
    if (answer.status === 404) return;
    if (answer.ok) {
      tag = answer.headers.get("ETag") ?? "";
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      if (merge(talk, next)) lively = Date.now() + LIVELY;
    }
  } catch { /* away for a moment; the next question will tell */ }
  const waits = document.getElementById("waiting") ? 700 : Date.now() < lively ? QUICK : SLOW;
  timer = setTimeout(ask, waits);
}

document.addEventListener("visibilitychange", ask);
window.addEventListener("online", ask);
ask();

const text = form.querySelector("textarea"), files = form.querySelector("input[type=file]");
const place = `wasl:${form.action}`;
if (location.search.includes("sent=")) sessionStorage.removeItem(place);
else if (!text.value) text.value = sessionStorage.getItem(place) ?? "";
text.addEventListener("input", () => sessionStorage.setItem(place, text.value));

files.addEventListener("change", () => {
  const list = document.getElementById("portal-chosen");
  list.replaceChildren(...[...files.files].map((file) => {
    const item = document.createElement("li"), name = document.createElement("bdi");
    item.className = "file";
    name.className = "clip";
    name.textContent = file.name;
    item.append(name);
    return item;
  }));
  list.hidden = !files.files.length;
  document.getElementById("portal-large").hidden = !tooLarge();
});

function tooLarge() {
  return [...files.files].reduce((sum, file) => sum + file.size, 0) > Number(form.dataset.most);
}

form.addEventListener("submit", (event) => {
  const button = form.querySelector(".primary");
  if (tooLarge() || button.ariaBusy === "true" || (!text.value.trim() && !files.files.length)) {
    event.preventDefault();
    text.focus();
    return;
  }
  button.ariaBusy = "true";
});
window.addEventListener("pageshow", () => { form.querySelector(".primary").ariaBusy = null; });

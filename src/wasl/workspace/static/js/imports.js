// A table is brought in slice by slice, so that it can be said how far it is. Stopped, it can be begun again: lines that
// are there already stay as they are.

import { fail } from "./toast.js";
import { say } from "./words.js";

const LINES = 1000;

// Lines of a table: a line break between quotes is part of a cell.
function records(text) {
  const found = [];
  let held = "", lines = 0;
  for (const line of text.split("\n")) {
    held += held ? `\n${line}` : line;
    lines += 1;
    if ((held.split('"').length - 1) % 2) continue;
    found.push({ text: held, lines });
    held = "";
    lines = 0;
  }
  if (held) found.push({ text: held, lines });
  return found;
}

async function send(form, text, lines, counts) {
  const body = new FormData();
  body.set("sheet", new File([text], "slice.csv", { type: "text/csv" }));
  body.set("lines", lines);
  for (const [name, count] of Object.entries(counts)) body.set(name, count);
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" };
  const answer = await fetch(form.action, { method: "POST", headers, body });
  const shown = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-result]");
  if (!shown || answer.redirected) throw new Error(answer.status);
  return { shown, refused: !answer.ok };
}

function show(place, shown) {
  const faults = [...place.querySelectorAll("[data-faults] > li")];
  shown.querySelector("[data-faults]").prepend(...faults.slice(0, 200));
  place.replaceChildren(shown);
}

async function bringIn(form, text) {
  const [head, ...rows] = records(text);
  const place = form.querySelector("[data-so-far]"), bar = form.querySelector("[data-progress]");
  let counts = {}, passed = 0;
  place.replaceChildren();
  for (let at = 0; at === 0 || at < rows.length; at += LINES) {
    const slice = rows.slice(at, at + LINES);
    bar.value = rows.length ? at / rows.length : 1;
    const { shown, refused } = await send(form, [head, ...slice].map((row) => row.text).join("\n"), passed, counts);
    show(place, shown);
    if (refused) return;
    counts = JSON.parse(shown.dataset.counts);
    passed += slice.reduce((sum, row) => sum + row.lines, 0);
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-bring-in]");
  const file = form?.sheet.files[0];
  if (!file) return;
  event.preventDefault();
  const button = form.querySelector("button"), bar = form.querySelector("[data-progress]");
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    form.submit(); // the server says what is wrong with it
    return;
  }
  button.disabled = true;
  bar.hidden = false;
  await bringIn(form, text).catch(() => fail(say("failed")));
  button.disabled = false;
  bar.hidden = true;
  button.focus();
});

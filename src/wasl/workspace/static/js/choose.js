// Choosing rows of the list, and what is done with them; menus whose content comes when they open; exports.

import { open } from "./desk.js";
import { closeMenus } from "./menu.js";
import { fail } from "./toast.js";
import { digits, say } from "./words.js";

const list = () => document.getElementById("list");
const bulk = () => document.getElementById("bulk");
const boxes = () => [...(list()?.querySelectorAll(".pick-row") ?? [])];
let last = ""; // the row that was chosen last, where a range begins

export const chosen = () => boxes().filter((box) => box.checked);

function show() {
  const form = bulk();
  if (!form) return;
  const all = boxes();
  const count = chosen().length;
  const every = form.querySelector("[name=every]");
  if (count < all.length) every.checked = false;
  list().toggleAttribute("data-choosing", count > 0);
  form.inert = count === 0;
  form.querySelector("[data-picked]").textContent = every.checked ? "" : digits(count);
  const page = form.querySelector("[data-pick-page]");
  page.checked = count > 0 && count === all.length;
  page.indeterminate = count > 0 && count < all.length;
  form.querySelector("[data-every]").hidden = !(page.checked && document.getElementById("older"));
  if (!count) for (const menu of form.querySelectorAll("details[open]")) menu.open = false;
}

function range(from, to) {
  const all = boxes();
  const [a, b] = [all.findIndex((box) => box.value === from), all.indexOf(to)].sort((x, y) => x - y);
  if (a >= 0) for (const box of all.slice(a, b + 1)) box.checked = to.checked;
}

function picked(box, shift) {
  if (shift && last) range(last, box);
  last = box.value;
  show();
}

// Choose a row, or no longer; with shift everything from the one before.
export function pick(row, shift = false) {
  const box = row?.parentElement.querySelector(".pick-row");
  if (!box) return;
  box.checked = shift || !box.checked;
  picked(box, shift);
}

// Whether anything was chosen.
export function pickNone() {
  const found = chosen();
  for (const box of found) box.checked = false;
  last = "";
  show();
  return found.length > 0;
}

document.addEventListener("click", (event) => {
  const box = event.target.closest(".pick-row");
  if (box) return picked(box, event.shiftKey);
  if (event.target.closest("[data-pick-none]")) return pickNone();
  const page = event.target.closest("[data-pick-page]");
  if (page) {
    for (const each of boxes()) each.checked = page.checked;
    show();
  }
  const row = event.shiftKey && event.target.closest("#list .row");
  if (row && bulk()) {
    event.preventDefault();
    pick(row, true);
  }
  return undefined;
});
document.addEventListener("change", (event) => event.target.name === "every" && show());
document.addEventListener("wasl:bulk", pickNone);
document.addEventListener("htmx:afterSwap", (event) => {
  const { id } = event.target;
  if (id === "list" || id === "older" || event.target.closest?.("#list")) show();
  // What a menu shows came while it was open: go on where the keyboard was.
  if (event.target.matches?.(".choices") && event.target.closest("details[open]")) {
    event.target.querySelector("[data-first], select, button, a")?.focus();
  }
});

// Enter in a field for tags takes the first that was found.
document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.("input[name=name][data-first]");
  if (!field || event.key !== "Enter") return;
  const first = field.parentElement.querySelector(".tags-found button");
  if (!first) return;
  event.preventDefault();
  first.click();
});
const answered = new WeakSet(); // htmx says it twice of a form that left the page meanwhile
document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (!detail.successful || detail.requestConfig.verb !== "post" || answered.has(detail.xhr)) return;
  answered.add(detail.xhr);
  const form = target.closest?.("form");
  if (form?.matches(".choices, #bulk")) {
    for (const field of form.querySelectorAll("input[name=name], input[name=at]")) field.value = "";
    for (const found of form.querySelectorAll(".tags-found")) found.replaceChildren();
    closeMenus();
  }
  if (form?.matches("[data-closes]")) form.closest("dialog")?.close();
  const to = detail.xhr.getResponseHeader("Wasl-Open");
  if (to) open(`${document.getElementById("desk").dataset.view}/${to}${location.search}`, { focus: true });
});

// An address names only what a list is narrowed to.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form.narrow[method=get]")) return;
  for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
});

// An export is fetched part by part, so that it can be said how far it is; a part keeps nobody waiting.
const MOST = 50_000;

async function parts(href, tell) {
  const pieces = [];
  let next = "";
  for (let rows = 0; rows < MOST; ) {
    const answer = await fetch(`${href}&part=1${next && `&before=${next}`}`);
    if (!answer.ok) throw new Error(answer.status);
    const text = await answer.text();
    pieces.push(next ? text : `\ufeff${text}`); // text() takes the mark of UTF-8 away
    rows += 2000;
    next = answer.headers.get("Wasl-Next") ?? "";
    if (!next) break;
    tell(rows);
  }
  return pieces;
}

function save(pieces, name) {
  const saved = document.createElement("a");
  saved.href = URL.createObjectURL(new Blob(pieces, { type: "text/csv" }));
  saved.download = name;
  saved.click();
  setTimeout(() => URL.revokeObjectURL(saved.href), 60_000);
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-export]");
  if (!link) return;
  event.preventDefault();
  if (link.ariaBusy) return;
  link.ariaBusy = "true";
  const word = link.lastChild;
  const said = word.data;
  const tell = (rows) => (word.data = say("rows", { n: digits(rows) }));
  const pieces = await parts(link.href, tell).catch(() => null);
  link.ariaBusy = null;
  word.data = said;
  if (pieces) save(pieces, `${document.querySelector("#list .place-title").innerText.trim()}.csv`);
  else fail(say("failed"));
});

show();

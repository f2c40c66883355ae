// What is offered while one writes: saved replies after `/`, colleagues after `@`.

import { trouble } from "./files.js";
import { editorOf, insertHtml } from "./editor.js";
import { headers } from "./drafts.js";
import { show } from "./menu.js";
import { say } from "./words.js";

const picker = () => document.getElementById("picker");
const replyForm = () => document.querySelector('#composer form[data-way="out"]');

// ---- Saved replies

function offer() {
  const input = picker().querySelector("input");
  input.value = "";
  if (!picker().open) show(picker());
  htmx.trigger(input, "wasl:opened");
}

document.addEventListener("click", (event) => {
  if (event.target.closest('[data-open-dialog="picker"]')) offer();
});
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("#composer form[data-way=out]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !form || !before(editorOf(form), /^$/)) return;
  event.preventDefault();
  offer();
});
document.addEventListener("click", async (event) => {
  const chosen = event.target.closest("[data-saved]");
  if (!chosen) return;
  const form = replyForm();
  const answer = await fetch(chosen.dataset.saved, { headers: headers() }).catch(() => null);
  picker().close();
  if (!answer?.ok) return trouble(form, say("offline"));
  const { html, missing } = await answer.json();
  insertHtml(form, html);
  if (missing) trouble(form, missing);
});

// ---- Colleagues

// The words of the line before the caret, when they are like this.
function before(editor, like) {
  const selection = getSelection();
  if (!editor || !selection.isCollapsed || !editor.contains(selection.anchorNode)) return null;
  const { anchorNode: node, anchorOffset: at } = selection;
  const words = node.nodeType === Node.TEXT_NODE ? node.data.slice(0, at) : at === 0 || !node.textContent ? "" : null;
  if (words === null || (node.nodeType === Node.TEXT_NODE && !words && node.previousSibling?.textContent)) return null;
  return words.match(like);
}

const NAMED = /(?:^|[^\p{L}\p{N}])@([\p{L}\p{M}\p{N}'’.-]*(?: [\p{L}\p{M}\p{N}'’.-]*){0,2})$/u;
let asked = 0;
let last = "";

const listOf = (form) => form.querySelector("[data-options]");

function close(form) {
  const list = listOf(form);
  if (!list || list.hidden) return;
  list.hidden = true;
  list.replaceChildren();
  const editor = editorOf(form);
  editor.removeAttribute("aria-activedescendant");
  editor.removeAttribute("aria-controls");
}

document.addEventListener("wasl:wrote", async (event) => {
  const form = event.target.closest?.("#composer form[data-people]");
  if (!form) return;
  const found = before(editorOf(form), NAMED);
  if (!found) return close(form);
  const mine = ++asked;
  last = found[1];
  const answer = await fetch(`${form.dataset.people}?q=${encodeURIComponent(last)}`, { headers: headers() }).catch(() => null);
  if (mine !== asked || !answer?.ok) return;
  const { people } = await answer.json();
  if (people.length && before(editorOf(form), NAMED)) list(form, people);
  else close(form);
});

function list(form, people) {
  const options = people.map(({ name, team, about }, at) => {
    const option = document.createElement("li");
    option.setAttribute("role", "option");
    option.id = `person-${at}`;
    option.dataset.name = name;
    option.append(mark(team ? "users" : "user"), bdi(name), words(about));
    return option;
  });
  const box = listOf(form);
  box.replaceChildren(...options);
  box.hidden = false;
  editorOf(form).setAttribute("aria-controls", box.id);
  point(form, 0);
}

function mark(name) {
  const svg = document.querySelector(`svg.icon:has(use[href="#i-${name}"])`)?.cloneNode(true) ?? document.createElement("span");
  svg.setAttribute("class", "icon sm");
  return svg;
}

function bdi(text) {
  const name = document.createElement("bdi");
  name.className = "grow clip";
  name.textContent = text;
  return name;
}

function words(text) {
  const about = document.createElement("span");
  about.className = "quiet small";
  about.textContent = text;
  return about;
}

const options = (form) => [...listOf(form).children];
const chosen = (form) => options(form).findIndex((option) => option.getAttribute("aria-selected") === "true");

function point(form, to) {
  options(form).forEach((option, at) => option.setAttribute("aria-selected", String(at === to)));
  editorOf(form).setAttribute("aria-activedescendant", options(form)[to]?.id ?? "");
  options(form)[to]?.scrollIntoView({ block: "nearest" });
}

function take(form, option) {
  const selection = getSelection();
  for (let letter = 0; letter <= last.length; letter++) selection.modify("extend", "backward", "character");
  document.execCommand("insertText", false, `@${option.dataset.name} `);
  close(form);
}

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("#composer form[data-people]");
  if (!form || listOf(form).hidden || event.ctrlKey || event.metaKey) return;
  const at = chosen(form);
  const size = options(form).length;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") point(form, (at + (event.key === "ArrowDown" ? 1 : -1) + size) % size);
  else if (event.key === "Enter" || event.key === "Tab") take(form, options(form)[Math.max(at, 0)]);
  else if (event.key === "Escape") close(form);
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
document.addEventListener("mousedown", (event) => {
  const option = event.target.closest("[data-options] > li");
  if (!option) return;
  event.preventDefault();
  take(option.closest("form"), option);
});
document.addEventListener("focusout", (event) => {
  const form = event.target.closest?.("#composer form[data-people]");
  if (form) close(form);
});

// The keyboard: single letters act while nothing is being written.

import { choose } from "./composer.js";
import { current, near, open, opening, openId, place, show as showPane } from "./desk.js";
import { chosen, pick, pickNone } from "./choose.js";
import { closeMenus, openMenu, show } from "./menu.js";
import { seek } from "./search.js";

const byId = (id) => document.getElementById(id);
const writing = (node) => node.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");

function step(by) {
  const rows = [...document.querySelectorAll("#list .row")];
  if (!rows.length) return;
  const focused = document.activeElement.closest?.("#list .row") ?? current();
  const at = rows.indexOf(focused);
  const left = place(); // the row one was at has left the list: the next stands where it stood
  const first = left < 0 ? (by > 0 ? 0 : rows.length - 1) : left + Math.min(by, 0);
  const to = Math.min(Math.max(at < 0 ? first : at + by, 0), rows.length - 1);
  showPane(document.activeElement.closest?.("#thread") && openId() ? "thread" : "list");
  rows[to].focus();
  rows[to].scrollIntoView({ block: "nearest" });
}

function back() {
  const pane = byId("desk")?.dataset.pane;
  if (closeMenus() || pickNone()) return;
  if (writing(document.activeElement)) {
    document.activeElement.blur();
    byId("thread")?.querySelector(".latest")?.focus({ preventScroll: true });
  } else if (pane === "card") {
    document.querySelector("[data-hide-card]").click();
  } else if (openId() || opening()) {
    const row = current();
    open(byId("desk").dataset.view + location.search, {}).then(() => (row?.isConnected ? row : near())?.focus());
  }
}

// What acts on one conversation acts on the chosen ones, when there are any.
function menuOf(what, one = what) {
  const menu = byId(chosen().length ? `bulk-${what}` : one);
  if (menu) openMenu(menu);
}

const undo = () => [...document.querySelectorAll("#toasts .toast form button:not([disabled])")].pop();

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  r: () => choose("out"),
  n: () => choose("note"),
  e: () => (chosen().length ? byId("bulk").querySelector("[name=do]:not([hidden])") : byId("turn"))?.click(),
  a: () => menuOf("assign"),
  s: () => menuOf("snooze"),
  t: () => menuOf("tag", "tagging"),
  z: () => undo()?.click(),
  f: () => byId("filter") && openMenu(byId("filter")),
  x: (event) => pick(document.activeElement.closest?.("#list li")?.querySelector(".row") ?? current(), event.shiftKey),
  "/": () => seek(),
  "?": () => show(byId("keys")),
};

// ---- What is typed while a conversation is being opened is meant for that one, and waits for it.

const OF_ONE = new Set(["r", "n", "e", "a", "s", "t"]);
const GO_ON = new Set(["Enter", "Backspace", "ArrowDown", "ArrowUp"]);
let held = [];
let heldFor = null;

const waits = (key) => opening() && (heldFor === opening() ? key.length === 1 || GO_ON.has(key) : OF_ONE.has(key.toLowerCase()));

function hold(key) {
  const wish = opening();
  if (heldFor !== wish) {
    const keys = [];
    [heldFor, held] = [wish, keys];
    wish.then((id) => { // '' when it did not come, or when something else was wished for since
      if (id && openId() === id) for (const each of keys) again(each);
    });
  }
  if (key !== "Backspace") held.push(key);
  else if (held.length > 1) held.pop();
}

// As if it were typed only now.
function again(key) {
  const at = document.activeElement;
  if (opening()) hold(key);
  else if (writing(at) && key.length === 1) document.execCommand("insertText", false, key);
  else if (at.isContentEditable && key === "Enter") document.execCommand("insertText", false, "\n");
  else if (GO_ON.has(key) || at.closest("details.menu[open]")) press(at, key);
  else act(key);
}

function press(at, key) {
  const free = at.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  if (!free || key !== "Enter") return;
  if (writing(at)) at.form?.requestSubmit();
  else at.click();
}

const deed = (key) => KEYS[key.length === 1 ? key.toLowerCase() : key];

function act(key, event = {}) {
  if (waits(key)) hold(key);
  else deed(key)?.(event);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    show(byId("finder"));
    return;
  }
  if (event.key === "Escape") return back();
  if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target)) return;
  if (event.target.closest("details.menu[open]")) return;
  if (waits(event.key)) {
    event.preventDefault();
    hold(event.key);
    return;
  }
  const inList = event.target.closest("#list");
  if (inList && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
    return;
  }
  if (!deed(event.key)) return;
  event.preventDefault();
  act(event.key, event);
});

// The palette does by clicks what the keys do; without an open conversation it offers less.
document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (target.id !== "found") return;
  if (!undo()) target.querySelector("[data-act=z]")?.remove();
  if (!openId()) for (const act of target.querySelectorAll("[data-needs-open]")) act.remove();
});

document.addEventListener("click", (event) => {
  const chosenAct = event.target.closest("[data-act]");
  if (!chosenAct) return;
  chosenAct.closest("dialog").close();
  act(chosenAct.dataset.act, event);
});

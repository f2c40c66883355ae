// The keyboard: single letters act while nothing is being written.

import { current, open, openId, show as showPane } from "./desk.js";
import { closeMenus, openMenu, show } from "./menu.js";

const byId = (id) => document.getElementById(id);
const writing = (node) => node.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");

function step(by) {
  const rows = [...document.querySelectorAll("#list .row")];
  if (!rows.length) return;
  const focused = document.activeElement.closest?.("#list .row") ?? current();
  const at = rows.indexOf(focused);
  const to = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
  showPane(document.activeElement.closest?.("#thread") && openId() ? "thread" : "list");
  rows[to].focus();
  rows[to].scrollIntoView({ block: "nearest" });
}

function back() {
  const pane = byId("desk")?.dataset.pane;
  if (closeMenus()) return;
  if (writing(document.activeElement)) {
    document.activeElement.blur();
    byId("thread")?.querySelector(".latest")?.focus({ preventScroll: true });
  } else if (pane === "card") {
    document.querySelector("[data-hide-card]").click();
  } else if (openId()) {
    const row = current();
    open(byId("desk").dataset.view + location.search, {}).then(() => row?.focus());
  }
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  r: () => document.querySelector("form.composer textarea")?.focus(),
  e: () => byId("turn")?.click(),
  a: () => byId("assign") && openMenu(byId("assign")),
  "/": () => show(byId("finder")),
  "?": () => show(byId("keys")),
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    show(byId("finder"));
    return;
  }
  if (event.key === "Escape") return back();
  if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target)) return;
  const inList = event.target.closest("#list");
  if (inList && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
    return;
  }
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || event.target.closest("details.menu[open]")) return;
  event.preventDefault();
  act();
});

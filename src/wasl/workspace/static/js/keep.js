// The keyboard never falls out of the page: when what has it goes, its neighbour gets it. A menu that closes leaves it
// to its button, a row of the list to the one that came into its place, what lay in the thread to the messages.

import { near } from "./desk.js";

const seen = (node) => Boolean(node?.isConnected && node.checkVisibility() && !node.closest("[inert]"));
let last = null; // what had it; a toast comes and goes beside the work
let area = "";
let aside = false; // whether a toast has it now

document.addEventListener("focusin", ({ target }) => {
  aside = Boolean(target.closest("#toasts"));
  if (aside || target.closest("dialog")) return;
  last = target;
  area = target.closest("#list, #thread, #card")?.id ?? "";
});

function keep() {
  if (!last || document.activeElement !== document.body || (seen(last) && !aside) || document.querySelector("dialog[open]")) return;
  const messages = document.querySelector("#thread .latest");
  const heirs = [last, last.closest("details.menu")?.querySelector("summary"), area === "list" ? near() : messages, near(), messages];
  heirs.find(seen)?.focus({ preventScroll: true });
}

// What was left on purpose is not given back: then it is still there.
const soon = () => requestAnimationFrame(keep);
for (const name of ["htmx:afterSettle", "toggle", "close"]) document.addEventListener(name, soon, true);
new MutationObserver(soon).observe(document.getElementById("toasts"), { childList: true });

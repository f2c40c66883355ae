// An answer that can still be taken back counts down beside its button; when it leaves, the button goes.

import { digits, say } from "./words.js";

const ends = new Map(); // of a button's address: when it ends

function count() {
  for (const form of document.querySelectorAll("[data-leaves]")) {
    const address = form.getAttribute("action");
    if (!ends.has(address)) ends.set(address, performance.now() + 1000 * Number(form.dataset.leaves));
    const left = Math.ceil((ends.get(address) - performance.now()) / 1000);
    const shown = form.querySelector(".num");
    if (left > 0) shown.textContent = say("seconds", { n: digits(left) });
    else leave(form);
  }
}

function leave(form) {
  const line = form.closest(".state")?.querySelector(":scope > span");
  if (line) line.textContent = say("sending");
  form.remove();
}

setInterval(count, 500);
document.addEventListener("htmx:afterSwap", count);

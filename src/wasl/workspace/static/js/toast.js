// Toasts: a visible countdown that waits while someone looks at it; failures of requests in words.

import { digits, say } from "./words.js";

const place = () => document.getElementById("toasts");

function count(toast) {
  if (toast.matches("[data-stays]") || toast.querySelector("[data-reload]")) return; // stays until it is answered
  let left = Number(toast.dataset.seconds || 12);
  const shown = toast.querySelector(".num");
  const held = () => toast.matches(":hover") || toast.contains(document.activeElement);
  const tick = () => {
    if (shown) shown.textContent = say("seconds", { n: digits(left) });
    if (left <= 0) {
      clearInterval(timer);
      toast.remove();
    } else if (!held()) left -= 1;
  };
  const timer = setInterval(tick, 1000);
  tick();
}

new MutationObserver((changes) => {
  for (const { addedNodes } of changes) for (const node of addedNodes) if (node.nodeType === 1) count(node);
}).observe(place(), { childList: true });

export function fail(text) {
  const last = place().lastElementChild;
  if (last?.dataset.text === text) return;
  const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  toast.dataset.text = text;
  toast.querySelector("span").textContent = text;
  place().append(toast);
}

document.addEventListener("click", (event) => {
  const toast = event.target.closest("[data-dismiss]")?.closest(".toast");
  toast?.remove();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-reload]")) location.reload();
});
document.addEventListener("wasl:out", () => {
  if (!place().querySelector("[data-reload]")) place().append(document.getElementById("out-template").content.cloneNode(true));
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) event.target.closest?.("#toasts .toast")?.remove();
});

// A background refresh that fails is not worth a word: the live dot shows that the line is down.
const asked = (event) => event.detail.requestConfig?.triggeringEvent?.type !== "wasl:refresh";

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (!asked(event) || event.defaultPrevented) return;
  const own = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  fail(own ? xhr.responseText : say(xhr.status === 413 ? "heavy" : "failed"));
});
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => asked(event) && fail(say("offline")));
}

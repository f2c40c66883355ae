// The search: `/` leads to its field, suggestions are walked with the arrow keys, operators are laid into it.

const input = () => document.getElementById("ask-words");
const list = () => document.getElementById("ask-options");
const options = () => [...list().querySelectorAll("[role=option]")];
const chosen = () => list().querySelector("[aria-selected=true]");

export function seek() {
  const field = input();
  if (field?.checkVisibility()) {
    field.focus();
    field.select();
  } else {
    location.assign("/search");
  }
}

function close() {
  list().hidden = true;
  input().setAttribute("aria-expanded", "false");
  input().removeAttribute("aria-activedescendant");
}

function mark(option) {
  for (const other of options()) other.setAttribute("aria-selected", String(other === option));
  if (option) input().setAttribute("aria-activedescendant", option.id);
  else input().removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

function take(option) {
  const field = input();
  const whole = "whole" in option.dataset;
  field.value = option.dataset.text + (whole ? " " : "");
  close();
  if (whole) field.form.requestSubmit();
  else {
    field.focus();
    suggest();
  }
}

let asking = null; // the suggestions that are being fetched
let waiting = 0;

async function suggest() {
  const field = input();
  stop();
  asking = new AbortController();
  const query = new URLSearchParams({ q: field.value });
  const answer = await fetch(`${field.dataset.suggestions}?${query}`, { signal: asking.signal }).catch(() => null);
  const text = answer?.ok && !answer.redirected ? await answer.text().catch(() => "") : "";
  if (field !== input() || document.activeElement !== field) return;
  list().replaceChildren(...new DOMParser().parseFromString(text, "text/html").querySelectorAll("[role=option]"));
  const shown = options().length > 0;
  list().hidden = !shown;
  field.setAttribute("aria-expanded", String(shown));
  field.removeAttribute("aria-activedescendant");
}

function stop() {
  clearTimeout(waiting);
  asking?.abort();
}

document.addEventListener("input", (event) => {
  if (event.target !== input()) return;
  clearTimeout(waiting);
  waiting = setTimeout(suggest, 150);
});
document.addEventListener("submit", (event) => event.target.id === "ask" && stop());

document.addEventListener("keydown", (event) => {
  if (event.target !== input() || event.isComposing) return;
  const shown = options();
  if (event.key === "Escape") {
    if (list().hidden) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    close();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (list().hidden) {
      suggest();
      return;
    }
    const at = shown.indexOf(chosen());
    mark(shown[(at + (event.key === "ArrowDown" ? 1 : -1 + (at < 0)) + shown.length) % shown.length]);
  } else if (event.key === "Enter" && !list().hidden && chosen()) {
    event.preventDefault();
    take(chosen());
  }
}, true);

document.addEventListener("pointerdown", (event) => {
  const option = event.target.closest("#ask-options [role=option]");
  if (!option) return;
  event.preventDefault();
  take(option);
});

document.addEventListener("focusout", (event) => {
  if (event.target === input()) close();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-ask]");
  if (!button) return;
  const field = input();
  field.value = `${field.value.trimEnd()} ${button.dataset.ask}`.trimStart();
  button.closest("details").open = false;
  field.focus();
  suggest();
});

// The page of the search without a question waits for one.
if (input() && location.pathname === "/search" && !input().value) input().focus();

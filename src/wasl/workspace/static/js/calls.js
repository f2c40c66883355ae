// Somebody rings us up: a word with the way to their page, on the screens of those whose telephone rings.

const place = () => document.getElementById("toasts");
const shown = () => [...place().querySelectorAll("[data-call]")];

async function look() {
  const answer = await fetch("/calls/ringing", { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return;
  const found = document.createRange().createContextualFragment(await answer.text());
  const calls = [...found.querySelectorAll("[data-call]")];
  const ids = new Set(calls.map(({ dataset }) => dataset.call));
  for (const toast of shown()) if (!ids.has(toast.dataset.call)) toast.remove();
  const known = new Set(shown().map(({ dataset }) => dataset.call));
  for (const toast of calls) if (!known.has(toast.dataset.call)) place().append(toast);
}

document.addEventListener("wasl:change", ({ detail }) => {
  if (detail.k === "call") look();
});

// Recovery codes, kept by hand: copied or printed. A browser copies only on pages that nobody on the way can change.

for (const button of document.querySelectorAll("[data-copy-codes]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const lines = [...document.querySelectorAll(`${button.dataset.copyCodes} code`)].map((code) => code.textContent);
    await navigator.clipboard.writeText(lines.join("\n"));
    document.getElementById("codes-said").textContent = button.dataset.done;
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

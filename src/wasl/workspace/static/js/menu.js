// Menus (`details.menu`) and dialogs: closed by a click outside and by Escape, walked with the arrow keys.

const openMenus = () => document.querySelectorAll("details.menu[open]");
const choices = (menu) => [...menu.querySelectorAll(".choices a, .choices button")];

export function closeMenus(except) {
  let closed = false;
  for (const menu of openMenus()) {
    if (menu === except) continue;
    menu.open = false;
    closed = true;
  }
  return closed;
}

export function openMenu(menu) {
  closeMenus(menu);
  menu.open = true;
  (menu.querySelector("[data-first], .choices [aria-current]") ?? choices(menu)[0])?.focus();
}

export function show(dialog) {
  closeMenus();
  for (const other of document.querySelectorAll("dialog[open]")) other.close();
  const input = dialog.querySelector("input[role=combobox]");
  if (input) input.value = "";
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) show(document.getElementById(opener.dataset.openDialog));
  if (event.target.nodeName === "DIALOG") event.target.close();
  event.target.closest("[data-close]")?.closest("dialog").close();
  const menu = event.target.closest("details.menu");
  const stays = event.target.closest("[data-stay]") || !event.target.closest(".choices");
  closeMenus(menu && stays ? menu : undefined);
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  const items = choices(menu);
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined && !event.target.matches("select, input[type=datetime-local]")) {
    if (event.target.matches("input") && !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    items[(to + items.length) % items.length]?.focus();
  } else if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Searches in dialogs: the first find is chosen, arrows choose another, Enter takes it.
const findsOf = (input) => [...document.getElementById(input.getAttribute("aria-controls")).querySelectorAll("[role=option]")];

function choose(input, finds, to) {
  finds.forEach((find, at) => find.setAttribute("aria-selected", String(at === to)));
  input.setAttribute("aria-activedescendant", finds[to]?.id ?? "");
  finds[to]?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  const input = event.target.closest?.("dialog input[role=combobox]");
  if (!input || !["ArrowDown", "ArrowUp", "Enter", "Escape"].includes(event.key)) return;
  event.preventDefault(); // of Escape, too: a search field would first only empty itself
  if (event.key === "Escape") return input.closest("dialog").close();
  const finds = findsOf(input);
  const at = finds.findIndex((find) => find.getAttribute("aria-selected") === "true");
  if (event.key === "Enter") finds[Math.max(at, 0)]?.click();
  else if (finds.length) choose(input, finds, (at + (event.key === "ArrowDown" ? 1 : -1) + finds.length) % finds.length);
  return undefined;
});
document.addEventListener("htmx:afterSwap", (event) => {
  const input = document.querySelector(`dialog input[aria-controls="${event.target.id}"]`);
  if (input) queueMicrotask(() => choose(input, findsOf(input), 0)); // others may still take finds away
});

// Details of a delivery come into one sheet.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "sheet") show(event.target);
});

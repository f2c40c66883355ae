// On which channel an answer goes: chosen by the agent, else the best one, also while the composer is open.
//
// `#ways` is read again with the messages. What the agent chose stays chosen for this answer, as long as it can be used.

import { value } from "./editor.js";

const PAUSE = 350;
let timer = 0;

const reply = () => document.querySelector('#composer form[data-way="out"]');
const options = () => [...(document.getElementById("ways")?.querySelectorAll("[data-via]") ?? [])];
const usable = (option) => option.getAttribute("aria-disabled") !== "true";

function take(form, option) {
  form.via.value = option.dataset.via;
  for (const each of options()) each.toggleAttribute("aria-current", each === option);
  option.setAttribute("aria-current", "true");
  const place = document.querySelector("#ways [data-way-shown]");
  const shown = option.querySelector(".shown");
  if (place && shown) place.replaceChildren(...[...shown.cloneNode(true).childNodes]);
  const copies = form.querySelector(".copies");
  if (copies) {
    copies.hidden = !("mail" in option.dataset);
    copies.disabled = copies.hidden;
  }
  template(form, option.dataset.approved ?? "");
  look(form);
}

function template(form, address) {
  const place = form.querySelector("[data-approved-text]");
  if (!place || (place.dataset.at ?? "") === address) return;
  place.dataset.at = address;
  place.hidden = !address;
  form.toggleAttribute("data-by-template", Boolean(address));
  if (address) htmx.ajax("GET", address, { target: place, swap: "morph-inner" });
  else place.replaceChildren();
}

function follow() {
  const form = reply();
  const all = options();
  if (!form?.via || !all.length) return;
  const mine = form.dataset.chosen && all.find((each) => each.dataset.via === form.dataset.chosen && usable(each));
  const option = mine || all.find((each) => each.getAttribute("aria-current") === "true") || null;
  if (!mine) delete form.dataset.chosen;
  if (option && (option.dataset.via !== form.via.value || mine || !form.dataset.waysSeen)) take(form, option);
  form.dataset.waysSeen = "1";
}

function look(form) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const place = form.isConnected && form.querySelector("[data-looks]");
    if (!place || !form.via.value) return;
    htmx.trigger(place, "wasl:looks");
  }, PAUSE);
}

const plain = (form) => {
  const option = options().find((each) => each.dataset.via === form.via?.value);
  return option && !("mail" in option.dataset);
};

document.addEventListener("click", (event) => {
  const form = reply();
  const option = event.target.closest("#ways button[data-via]");
  if (option && form) {
    if (!usable(option)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    form.dataset.chosen = option.dataset.via;
    take(form, option);
  }
  const toggle = event.target.closest("[data-toggle-offered]");
  if (toggle && form) {
    const fields = form.querySelector("[data-offered]");
    fields.hidden = !fields.hidden;
    toggle.setAttribute("aria-pressed", String(!fields.hidden));
    if (!fields.hidden) fields.querySelector("input").focus();
  }
}, true);

for (const name of ["wasl:wrote", "input"]) {
  document.addEventListener(name, (event) => {
    const form = event.target.closest?.('#composer form[data-way="out"]');
    if (form && (plain(form) || event.target.name === "choice")) look(form);
  });
}

document.addEventListener("wasl:sent", (event) => {
  const form = event.target.closest?.('#composer form[data-way="out"]');
  if (!form) return;
  delete form.dataset.chosen;
  for (const input of form.querySelectorAll("[name=choice]")) input.value = "";
  form.querySelector("[data-looks]")?.replaceChildren();
});

document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.matches?.("[data-looks]")) event.detail.parameters.set("text", value(reply()).text);
});
document.addEventListener("htmx:afterSettle", follow);
document.addEventListener("htmx:oobAfterSwap", follow);
follow();

// The composer of a conversation: reply or note, sending, what to look at before it goes out, nothing lost on failure.

import { open } from "./desk.js";
import { hint, reload, restore, sent, settle, unsent, wrote } from "./drafts.js";
import { editorOf, focus, isEmpty, mount, mountAll, sync } from "./editor.js";
import * as files from "./files.js";
import { say } from "./words.js";

const composer = () => document.getElementById("composer");
const forms = () => [...(composer()?.querySelectorAll("form[data-draft]") ?? [])].filter(editorOf);
const formOf = (node) => node?.closest?.("#composer form[data-draft]");

// ---- Reply or note

export function choose(way) {
  const chosen = composer()?.querySelector(`form[data-way="${way}"]`);
  if (!chosen) return;
  for (const form of composer().querySelectorAll("form[data-way]")) form.hidden = form !== chosen;
  if (editorOf(chosen)) focus(chosen);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-switch]");
  if (button) choose(button.dataset.switch);
});

function begin() {
  mountAll();
  for (const form of forms()) {
    if (form.dataset.restored) continue;
    mount(form);
    files.mount(form);
    restore(form);
  }
  const [reply, note] = forms();
  if (reply && note && isEmpty(reply) && !files.count(reply) && !isEmpty(note) && !composer().dataset.begun) choose("note");
  if (composer()) composer().dataset.begun = "1";
}

document.addEventListener("wasl:wrote", (event) => {
  const form = formOf(event.target);
  if (!form) return;
  files.trouble(form, "");
  wrote(form);
});

// ---- Sending

const THEN = { resolve: (event) => event.shiftKey, pending: (event) => event.altKey };

document.addEventListener("keydown", (event) => {
  const form = formOf(event.target);
  if (!form || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  const wanted = Object.keys(THEN).find((then) => THEN[then](event));
  form.requestSubmit(form.querySelector(wanted ? `[name=then][value=${wanted}]` : ".split > [data-send], [data-send]") ?? undefined);
});

document.addEventListener("submit", async (event) => {
  const form = formOf(event.target);
  if (!form || form.dataset.ready) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if ("sending" in form.dataset) return;
  form.dataset.sending = "";
  const submitter = event.submitter;
  for (const menu of form.querySelectorAll("details[open]")) menu.open = false;
  const all = await files.ready(form);
  await settle(form);
  await new Promise((later) => setTimeout(later)); // a form that is still being submitted would not hear of it again
  if (!all) {
    delete form.dataset.sending;
    files.trouble(form, say("fileHere"));
    return;
  }
  const again = form.querySelector("[data-doubting] [data-anyway]");
  if (submitter?.name === "then") form.dataset.then = submitter.value;
  else if (submitter !== again) delete form.dataset.then;
  sync(form);
  form.dataset.ready = "1";
  form.requestSubmit(submitter?.isConnected ? submitter : undefined);
  delete form.dataset.ready;
}, true);

// While it is under way nothing is typed.
document.addEventListener("beforeinput", (event) => {
  if ("sending" in (formOf(event.target)?.dataset ?? {})) event.preventDefault();
});

document.addEventListener("htmx:configRequest", (event) => {
  const form = event.target;
  if (!form.matches?.("#composer form[data-draft]")) return;
  const { parameters } = event.detail;
  if (form.dataset.then) parameters.set("then", form.dataset.then);
  parameters.delete("files");
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target;
  if (!form.matches?.("#composer form[data-draft]")) return;
  files.trouble(form, "");
  form.querySelector("[data-doubt]").replaceChildren();
  hint(form, say("sending"));
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target;
  if (!form.matches?.("#composer form[data-draft]")) return;
  delete form.dataset.sending;
  if (event.detail.successful) return;
  hint(form, "");
  unsent(form);
});
document.addEventListener("wasl:sent", (event) => {
  const form = event.target.closest?.("#composer form[data-draft]");
  if (!form) return;
  form.anyway.value = "";
  delete form.dataset.then;
  sent(form, event.detail);
  const log = document.querySelector(".scroll.latest");
  if (log) log.scrollTop = 0;
  if (form.isConnected && !form.hidden) focus(form);
});

// ---- Something to look at first

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig: { elt } } = event.detail;
  if (xhr.status !== 409 || !elt.matches?.("#composer form[data-draft]")) return;
  Object.assign(event.detail, { shouldSwap: true, isError: false, target: elt.querySelector("[data-doubt]"), swapOverride: "morph-inner" });
  hint(elt, "");
});
document.addEventListener("htmx:afterSwap", (event) => {
  event.target.querySelector?.("[data-doubting] [data-back-to-writing]")?.focus();
});
document.addEventListener("click", (event) => {
  const form = formOf(event.target);
  const sure = event.target.closest("[data-anyway]");
  if (sure && form) {
    const { anyway, known, key } = sure.dataset;
    form.anyway.value = anyway;
    if (known) form.known.value = known;
    if (key) form.key.value = key;
  } else if (form && event.target.closest("[data-back-to-writing]")) back(form);
});

function back(form) {
  form.querySelector("[data-doubt]").replaceChildren();
  focus(form);
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !event.target.closest?.("[data-doubting]")) return;
  event.preventDefault();
  event.stopPropagation();
  back(formOf(event.target));
}, true);
document.addEventListener("htmx:responseError", (event) => {
  const form = event.target;
  if (!form.matches?.("#composer form[data-draft]") || event.detail.xhr.status !== 422) return;
  files.trouble(form, event.detail.xhr.responseText);
  event.preventDefault();
}, true);

// ---- Taken back

document.addEventListener("wasl:withdrawn", async ({ detail: { conversation, elsewhere } }) => {
  if (elsewhere) await open(`${document.getElementById("desk").dataset.view}/${conversation}${location.search}`);
  if (composer()?.dataset.conversation !== conversation) return;
  const form = composer().querySelector('form[data-way="out"]');
  choose("out");
  await reload(form);
  focus(form);
});

document.addEventListener("htmx:load", begin);
begin();


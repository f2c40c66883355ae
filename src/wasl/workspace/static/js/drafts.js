// Drafts, saved on the server as they are typed, and on this device while the server cannot be reached.
//
// A form knows its draft's version. A save that the server refuses, because another tab or device was faster, is shown
// with both choices; nothing is overwritten unseen. What is not on the server yet lies in `localStorage`.

import { isEmpty, setHtml, value } from "./editor.js";
import { say } from "./words.js";

const PAUSE = 800;
const LONGEST = 5000;
const RETRY = 10_000;
const PREFIX = `wasl-draft-${document.body.dataset.agent}-`;
const states = new WeakMap();

export const headers = () => ({ ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" });
export const hint = (form, text) => { form.querySelector("[data-hint]").textContent = text; };
export const placeOf = (form) => `${PREFIX}${form.closest("[data-conversation]").dataset.conversation}-${form.dataset.way}`;
const panel = (form) => form.querySelector("[data-conflict]");
const newest = () => document.getElementById("known")?.dataset.known ?? "";

const of = (form) => {
  if (!states.has(form)) {
    states.set(form, { version: Number(form.dataset.version), saved: value(form).html, since: 0, timer: 0, busy: null, other: null });
  }
  return states.get(form);
};

// ---- What is typed

export function wrote(form) {
  const state = of(form);
  if (!state.saved && !state.since && !state.version) form.known.value = newest() || form.known.value;
  keepHere(form);
  hint(form, "");
  state.since ||= Date.now();
  clearTimeout(state.timer);
  state.timer = setTimeout(() => save(form), Math.max(0, Math.min(PAUSE, state.since + LONGEST - Date.now())));
}

function keepHere(form) {
  const { html } = value(form);
  const kept = { html, version: of(form).version, key: form.key.value, known: form.known.value };
  try {
    if (html || of(form).version) localStorage.setItem(placeOf(form), JSON.stringify(kept));
    else localStorage.removeItem(placeOf(form));
  } catch {
    // This device keeps nothing (private window, full disk): then the server alone does.
  }
}

// ---- Saving: one request at a time, the last words last

export async function save(form) {
  const state = of(form);
  clearTimeout(state.timer);
  if (state.busy) {
    await state.busy;
    if (!state.since) return;
  }
  if (!form.isConnected || state.other || "sending" in form.dataset || !state.since) return;
  state.since = 0;
  state.busy = send(form, state).finally(() => { state.busy = null; });
  await state.busy;
}

async function send(form, state) {
  const now = value(form);
  const body = new FormData();
  const fields = { way: form.dataset.way, key: form.key.value, known: form.known.value, version: state.version, html: now.html, text: now.text };
  for (const [name, each] of Object.entries(fields)) body.set(name, each);
  const answer = await fetch(form.dataset.draft, { method: "POST", headers: headers(), body }).catch(() => null);
  if (!answer || answer.status >= 500) return offline(form, state);
  if (answer.ok && !answer.redirected) {
    const begun = !state.version;
    state.version = (await answer.json()).version;
    state.saved = now.html;
    if (!state.since) forget(form);
    hint(form, state.version ? say("draft") : "");
    if (begun !== !state.version) refreshList();
  } else if (answer.status === 409) conflict(form, state, await answer.json());
  else if (answer.status === 422) hint(form, await answer.text());
}

function offline(form, state) {
  hint(form, say("draftHere"));
  state.since ||= Date.now();
  state.timer = setTimeout(() => save(form), RETRY);
}

const forget = (form) => localStorage.removeItem(placeOf(form));

// The list shows which conversations hold a draft.
function refreshList() {
  const list = document.querySelector('#list[data-live~="list"]');
  if (list) htmx.trigger(list, "wasl:refresh");
}

// ---- Somebody else was faster: another tab, another device, or this very answer that went out after all

function conflict(form, state, { sent, draft, new_key: fresh }) {
  const now = value(form).html;
  if (sent) {
    form.key.value = fresh;
    state.version = draft.version;
    if (!now || now === state.saved || now === state.left) return adopt(form, { ...draft, key: fresh }, say("sentElsewhere"));
    state.since = Date.now();
    state.timer = setTimeout(() => save(form), PAUSE);
  } else if (!draft.html || draft.html === now) {
    state.version = draft.version;
    if (draft.html === now) return forget(form);
    state.since = Date.now();
    state.timer = setTimeout(() => save(form));
  } else {
    state.other = draft;
    panel(form).hidden = false;
  }
}

document.addEventListener("click", (event) => {
  const form = event.target.closest("form[data-writing]");
  const choice = event.target.closest("[data-take-other], [data-keep-mine]");
  if (!choice || !form) return;
  const state = of(form);
  const other = state.other;
  state.other = null;
  panel(form).hidden = true;
  if (choice.matches("[data-take-other]")) return adopt(form, other);
  state.version = other.version;
  state.since = Date.now();
  save(form);
});

// Show a draft as the server has it.
export function adopt(form, draft, words = "") {
  const state = of(form);
  clearTimeout(state.timer);
  Object.assign(state, { version: draft.version, since: 0, other: null });
  panel(form).hidden = true;
  form.key.value = draft.key;
  if (draft.known) form.known.value = draft.known;
  setHtml(form, draft.html);
  state.saved = value(form).html;
  forget(form);
  hint(form, words);
  form.dispatchEvent(new CustomEvent("wasl:files", { detail: draft.files }));
}

export async function reload(form) {
  const answer = await fetch(`${form.dataset.draft}?way=${form.dataset.way}`, { headers: headers() }).catch(() => null);
  if (answer?.ok && !answer.redirected) adopt(form, await answer.json(), say("draft"));
}

// ---- Sending

// Nothing is being saved any more: what is sent is what is shown. It may arrive although nobody says so.
export async function settle(form) {
  const state = of(form);
  clearTimeout(state.timer);
  state.left = value(form).html;
  await state.busy;
}

// It went out: a clean sheet under a new key.
export function sent(form, { key, known }) {
  adopt(form, { version: 0, key, known, html: "", files: [] });
  refreshList();
}

// Sending failed: what is written goes on being kept.
export function unsent(form) {
  if (!isEmpty(form)) wrote(form);
}

export function version(form, now) {
  of(form).version ||= now;
}

// ---- Coming and going

export function restore(form) {
  if (form.dataset.restored) return;
  form.dataset.restored = "1";
  const state = of(form);
  let kept = null;
  try {
    kept = JSON.parse(localStorage.getItem(placeOf(form)));
  } catch {
    forget(form);
  }
  if (!kept || kept.html === state.saved) {
    forget(form);
    if (state.saved) hint(form, say("draft"));
    return;
  }
  const server = state.version;
  state.version = kept.version;
  if (kept.key && server === kept.version) form.key.value = kept.key;
  if (kept.known) form.known.value = kept.known;
  setHtml(form, kept.html);
  state.since = Date.now();
  save(form);
}

const forms = () => [...document.querySelectorAll("#composer form[data-mounted]")];

addEventListener("online", () => forms().forEach(save));
document.addEventListener("visibilitychange", () => {
  for (const form of forms()) {
    const state = of(form);
    if (document.hidden) save(form);
    else if (!state.since && !state.busy && !state.other) look(form, state);
  }
});

// Another tab may have gone on writing.
async function look(form, state) {
  const answer = await fetch(`${form.dataset.draft}?way=${form.dataset.way}`, { headers: headers() }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const draft = await answer.json();
  if (draft.version !== state.version && !state.since && !("sending" in form.dataset)) {
    adopt(form, draft.version ? draft : { ...draft, known: newest() });
  }
}

// A conversation that is left, or a page that is closed, takes the last words with it.
export function leave() {
  for (const form of forms()) save(form);
}
addEventListener("pagehide", leave);
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id === "thread") leave();
});
document.addEventListener("submit", (event) => {
  if (!event.target.hasAttribute("data-forget-drafts")) return;
  for (const key of Object.keys(localStorage)) if (key.startsWith("wasl-draft-")) localStorage.removeItem(key);
  indexedDB.deleteDatabase("wasl-files");
});

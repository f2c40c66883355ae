// Files of a draft: by picker, drop and paste; uploaded at once with their progress, removed before sending. What
// cannot be uploaded just now waits on this device and follows when the server is back.

import { headers, placeOf, version } from "./drafts.js";
import { editorOf, insertPicture } from "./editor.js";
import { say } from "./words.js";

const LARGEST = 25_000_000;
const MOST = 20;
const RETRY = 15_000;
const uploads = new WeakMap(); // of a form: the promises of what is under way
const waiting = new WeakMap(); // of a chip: its file, while it is not on the server
const inline = (file) => /^image\/(png|jpeg|gif|webp)$/.test(file.type);

const listOf = (form) => form.querySelector("ul[data-files]");
const formOf = (node) => node?.closest?.("form[data-writing]");

export function trouble(form, text) {
  const line = form.querySelector("[data-error]");
  line.textContent = text;
  line.hidden = !text;
}

export const count = (form) => listOf(form)?.children.length ?? 0;

// Resolves when nothing is under way; to false when something waits for the server.
export async function ready(form) {
  await Promise.allSettled(uploads.get(form) ?? []);
  return ![...(listOf(form)?.children ?? [])].some((chip) => waiting.has(chip));
}

// ---- On this device

const store = (mode, act) =>
  new Promise((done, fail) => {
    const opening = indexedDB.open("wasl-files", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("files", { keyPath: "id" });
    opening.onerror = () => fail(opening.error);
    opening.onsuccess = () => {
      const asked = act(opening.result.transaction("files", mode).objectStore("files"));
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => fail(asked.error);
    };
  });
const keepHere = (id, form, file) => store("readwrite", (files) => files.put({ id, place: placeOf(form), file })).catch(() => null);
const forget = (id) => store("readwrite", (files) => files.delete(id)).catch(() => null);

// ---- Chips

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon sm");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

function dress(form, chip) {
  const { name, about, picture } = chip.dataset;
  const shown = document.createElement("span");
  shown.className = "grow";
  const title = document.createElement("bdi");
  title.className = "clip";
  title.textContent = name;
  const under = document.createElement("span");
  under.className = "quiet";
  under.dataset.under = "";
  under.textContent = about ?? "";
  shown.append(title, under);
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "btn bare square";
  remove.ariaLabel = say("remove", { name });
  remove.dataset.removeFile = "";
  remove.append(icon("x"));
  chip.replaceChildren(icon(picture ? "image" : "doc"), shown, remove);
  listOf(form).hidden = false;
}

function chipOf(form, name, about = "") {
  const chip = document.createElement("li");
  chip.className = "file";
  Object.assign(chip.dataset, { name, about });
  listOf(form).append(chip);
  dress(form, chip);
  return chip;
}

// What the server wrote into the page, and what still waits on this device.
export async function mount(form) {
  for (const chip of listOf(form).children) dress(form, chip);
  const kept = await store("readonly", (files) => files.getAll()).catch(() => []);
  for (const { id, place, file } of kept) if (place === placeOf(form)) begin(form, file, id);
}

function show(form, files) {
  listOf(form).replaceChildren();
  listOf(form).hidden = !files.length;
  for (const file of files) filled(form, chipOf(form, file.name, file.about), file);
}
document.addEventListener("wasl:files", (event) => show(event.target, event.detail), true);

function filled(form, chip, file) {
  Object.assign(chip.dataset, { file: file.id, name: file.name, about: file.about, picture: file.picture });
  dress(form, chip);
}

document.addEventListener("click", async (event) => {
  const chip = event.target.closest("[data-remove-file]")?.closest("li");
  const form = formOf(chip);
  if (!form) return;
  const id = chip.dataset.file;
  chip.upload?.abort();
  if (chip.dataset.local) forget(chip.dataset.local);
  chip.remove();
  listOf(form).hidden = !count(form);
  trouble(form, "");
  editorOf(form).focus({ preventScroll: true });
  if (!id) return;
  for (const shown of editorOf(form).querySelectorAll(`img[data-cid="${id.replaceAll("-", "")}"]`)) shown.remove();
  await fetch(`/drafts/files/${id}/remove`, { method: "POST", headers: headers() }).catch(() => null);
});

// ---- Adding

export function add(form, files, { pasted = false } = {}) {
  trouble(form, "");
  for (const file of files) {
    if (file.size > LARGEST) trouble(form, say("large", { name: file.name }));
    else if (count(form) >= MOST) trouble(form, say("many"));
    else begin(form, file, crypto.randomUUID(), pasted && inline(file));
  }
}

function begin(form, file, local, among = false) {
  const chip = chipOf(form, file.name || say("picture"));
  chip.dataset.local = local;
  waiting.set(chip, file);
  keepHere(local, form, file);
  const under = upload(form, chip, file, among);
  const all = uploads.get(form) ?? new Set();
  uploads.set(form, all.add(under));
  under.finally(() => all.delete(under));
}

function upload(form, chip, file, among) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.ariaLabel = say("uploading", { name: chip.dataset.name });
    chip.querySelector("[data-under]").replaceChildren(bar);
    request.upload.onprogress = ({ loaded, total }) => { bar.value = loaded / total; };
    request.onload = () => done(landed(form, chip, file, request, among));
    request.onerror = request.ontimeout = () => done(late(form, chip, file, among));
    request.onabort = () => done();
    request.open("POST", form.dataset.filesAt);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    const body = new FormData();
    body.set("way", form.dataset.way);
    body.set("key", form.key.value);
    body.set("at", [...listOf(form).children].indexOf(chip)); // uploads overtake one another
    body.set("file", file, file.name || say("picture"));
    chip.upload = request;
    request.send(body);
  });
}

function landed(form, chip, file, request, among) {
  if (request.status >= 500) return late(form, chip, file, among);
  waiting.delete(chip);
  forget(chip.dataset.local);
  if (request.status !== 200 || !request.responseURL.endsWith(form.dataset.filesAt)) {
    chip.remove();
    listOf(form).hidden = !count(form);
    trouble(form, request.status === 422 ? request.responseText : say(request.status === 413 ? "heavy" : "failed"));
    return;
  }
  const { file: kept, version: now } = JSON.parse(request.responseText);
  version(form, now);
  filled(form, chip, kept);
  if (among && kept.picture) insertPicture(form, kept.id.replaceAll("-", ""), kept.picture, kept.name);
}

function late(form, chip, file, among) {
  if (!chip.isConnected) return;
  chip.querySelector("[data-under]").textContent = say("fileHere");
  const again = () => {
    clearTimeout(timer);
    removeEventListener("online", again);
    if (chip.isConnected && waiting.has(chip)) upload(form, chip, file, among);
  };
  const timer = setTimeout(again, RETRY);
  addEventListener("online", again);
}

document.addEventListener("change", (event) => {
  const form = formOf(event.target);
  if (!form?.dataset.mounted || event.target.name !== "files") return;
  add(form, [...event.target.files]);
  event.target.value = "";
});
document.addEventListener("paste", (event) => {
  const form = formOf(event.target);
  if (!form?.dataset.filesAt || !event.clipboardData?.files.length) return;
  event.preventDefault();
  add(form, [...event.clipboardData.files], { pasted: true });
}, true);

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
const dropZone = (event) => event.target.closest?.("#thread")?.querySelector("#composer form[data-mounted]:not([hidden])");

document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  const form = dropZone(event);
  event.dataTransfer.dropEffect = form ? "copy" : "none";
  form?.setAttribute("data-over", "");
});
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    document.querySelector("form[data-over]")?.removeAttribute("data-over");
    if (name !== "drop" || !carriesFiles(event)) return;
    event.preventDefault();
    const form = dropZone(event);
    if (form) add(form, [...event.dataTransfer.files]);
  });
}

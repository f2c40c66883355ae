// Writing a reply: drafts kept on this device, files by picker, drop and paste, Ctrl+Enter, nothing lost on failure.

import { say } from "./words.js";

const LARGEST = 25 * 1024 * 1024;
const MOST = 20;
const PREFIX = `wasl-draft-${document.body.dataset.agent}-`;
const chosen = new WeakMap();

const formOf = (node) => node?.closest?.("form.composer");
const keyOf = (form) => PREFIX + form.dataset.draft;
const hint = (form, text) => { form.querySelector("[data-hint]").textContent = text; };

// ---- Drafts

function restore() {
  const form = document.querySelector("form.composer");
  if (!form || form.dataset.restored) return;
  form.dataset.restored = "1";
  const text = localStorage.getItem(keyOf(form));
  if (text && !form.text.value) {
    form.text.value = text;
    hint(form, say("draft"));
  }
}

let saving = 0;

document.addEventListener("input", (event) => {
  const form = formOf(event.target);
  if (!form || event.target.name !== "text") return;
  trouble(form, "");
  hint(form, "");
  clearTimeout(saving);
  saving = setTimeout(() => {
    const text = form.text.value;
    if (text.trim()) localStorage.setItem(keyOf(form), text);
    else localStorage.removeItem(keyOf(form));
    if (text.trim() && form.isConnected) hint(form, say("draft"));
  }, 400);
});

document.addEventListener("submit", (event) => {
  if (!event.target.hasAttribute("data-forget-drafts")) return;
  for (const key of Object.keys(localStorage)) if (key.startsWith("wasl-draft-")) localStorage.removeItem(key);
});

// ---- Files

const filesOf = (form) => chosen.get(form) ?? [];

function setFiles(form, files) {
  chosen.set(form, files);
  const carrier = new DataTransfer();
  for (const file of files) carrier.items.add(file);
  form.files.files = carrier.files;
  const list = form.querySelector("[data-chosen]");
  list.hidden = !files.length;
  list.replaceChildren(...files.map((file, at) => chip(form, file, at)));
}

function chip(form, file, at) {
  const item = document.createElement("li");
  item.className = "file";
  const name = document.createElement("bdi");
  name.className = "clip";
  name.textContent = file.name;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "btn bare square";
  remove.ariaLabel = say("remove", { name: file.name });
  remove.append(icon("x"));
  remove.addEventListener("click", () => {
    setFiles(form, filesOf(form).filter((_, i) => i !== at));
    form.text.focus();
  });
  item.append(icon(file.type.startsWith("image/") ? "image" : "doc"), name, remove);
  return item;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon sm");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

function add(form, files) {
  const fitting = [...files].filter((file) => {
    if (file.size <= LARGEST) return true;
    trouble(form, say("large", { name: file.name }));
    return false;
  });
  const all = [...filesOf(form), ...fitting];
  if (all.length > MOST) trouble(form, say("many"));
  if (fitting.length) setFiles(form, all.slice(0, MOST));
}

document.addEventListener("change", (event) => {
  const form = formOf(event.target);
  if (form && event.target.name === "files") add(form, event.target.files);
});
document.addEventListener("paste", (event) => {
  const form = formOf(event.target);
  if (form && event.clipboardData?.files.length) {
    event.preventDefault();
    add(form, event.clipboardData.files);
  }
});

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
const dropZone = (event) => event.target.closest?.("#thread")?.querySelector("form.composer");

document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  const form = dropZone(event);
  event.dataTransfer.dropEffect = form ? "copy" : "none";
  form?.querySelector(".box").setAttribute("data-over", "");
});
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    document.querySelector("form.composer .box[data-over]")?.removeAttribute("data-over");
    if (name === "drop" && carriesFiles(event)) {
      event.preventDefault();
      const form = dropZone(event);
      if (form) add(form, event.dataTransfer.files);
    }
  });
}

// ---- Sending

function trouble(form, text) {
  const line = form.querySelector("[data-error]");
  line.textContent = text;
  line.hidden = !text;
}

document.addEventListener("keydown", (event) => {
  const form = formOf(event.target);
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target;
  if (!form.matches?.("form.composer")) return;
  clearTimeout(saving);
  trouble(form, "");
  hint(form, say("sending"));
  form.text.readOnly = true;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target;
  if (!form.matches?.("form.composer")) return;
  form.text.readOnly = false;
  hint(form, "");
  if (!event.detail.successful) {
    if (form.text.value.trim()) localStorage.setItem(keyOf(form), form.text.value);
    return;
  }
  localStorage.removeItem(keyOf(form));
  form.text.value = "";
  setFiles(form, []);
  const log = document.querySelector(".scroll.latest");
  if (log) log.scrollTop = 0;
  if (form.isConnected) form.text.focus({ preventScroll: true });
});
document.addEventListener("htmx:responseError", (event) => {
  const form = event.target;
  if (!form.matches?.("form.composer") || event.detail.xhr.status !== 422) return;
  trouble(form, event.detail.xhr.responseText);
  event.preventDefault();
}, true);

document.addEventListener("htmx:load", restore);
restore();


// The editor of a composer: a small contenteditable. Without scripts the plain text field under it does the same work.
//
// On a form: `wasl:wrote` when its words change by hand. Elements: `[data-editor]`, `textarea[name=text]`,
// `input[name=html]`; `[data-format]` with buttons `[data-do]`, shown by `[data-toggle-format]`.

import { plain, read, readText, tidy, write } from "./clean.js";

export const editorOf = (form) => form?.querySelector("[data-editor]");
const formOf = (node) => node?.closest?.("form[data-writing]");
const BLOCKS = "p, li, ul, ol, blockquote";

export function mount(form) {
  const editor = editorOf(form);
  if (!editor || form.dataset.mounted) return;
  form.dataset.mounted = "1";
  form.text.hidden = true;
  editor.hidden = false;
  put(form, tidy(editor));
}

// Show these nodes instead of what there is.
function put(form, nodes) {
  const editor = editorOf(form);
  editor.replaceChildren(nodes);
  settle(editor);
}

export const isEmpty = (form) => {
  const editor = editorOf(form);
  return !editor.textContent.trim() && !editor.querySelector("img, li");
};

// {html, text}: what is written now. `html` is '' when there is nothing.
export function value(form) {
  const nodes = tidy(editorOf(form)).childNodes;
  return isEmpty(form) ? { html: "", text: "" } : { html: write(nodes), text: plain(nodes) };
}

export function setHtml(form, html) {
  put(form, read(html));
  form.dispatchEvent(new CustomEvent("wasl:filled"));
}

// Into the fields that are sent.
export function sync(form) {
  if (!form.dataset.mounted) return;
  const { html, text } = value(form);
  form.text.value = text;
  form.html.value = html;
}

export function focus(form) {
  const editor = editorOf(form);
  editor.focus({ preventScroll: true });
  const range = document.createRange();
  range.selectNodeContents(editor.lastElementChild ?? editor);
  range.collapse(false);
  select(range);
}

function select(range) {
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

export function insertHtml(form, html) {
  place(form);
  const nodes = read(html);
  const single = nodes.childNodes.length === 1 && nodes.firstChild.nodeName === "P";
  document.execCommand("insertHTML", false, write(single ? nodes.firstChild.childNodes : nodes.childNodes));
}

export function insertText(form, text) {
  place(form);
  document.execCommand("insertText", false, text);
}

// An image among the words.
export function insertPicture(form, cid, address, name) {
  place(form);
  const shown = document.createElement("img");
  shown.dataset.cid = cid;
  shown.alt = name;
  shown.src = address;
  const range = getSelection().getRangeAt(0);
  range.deleteContents();
  range.insertNode(shown);
  range.setStartAfter(shown);
  range.collapse(true);
  select(range);
  wrote(form);
}

// The caret is where it was in this editor, or at its end.
const carets = new WeakMap();

function place(form) {
  const editor = editorOf(form);
  const range = carets.get(editor);
  if (document.activeElement === editor && editor.contains(getSelection().anchorNode)) return;
  editor.focus({ preventScroll: true });
  if (range && editor.contains(range.startContainer)) select(range);
  else focus(form);
}

document.addEventListener("selectionchange", () => {
  const editor = document.activeElement?.closest?.("[data-editor]");
  const selection = getSelection();
  if (!editor || !selection.rangeCount || !editor.contains(selection.anchorNode)) return;
  carets.set(editor, selection.getRangeAt(0).cloneRange());
  press(formOf(editor));
});

// ---- Always in shape: a paragraph to write in, each block in the direction of its own first letter

function settle(editor) {
  if (!editor.firstElementChild && !editor.textContent) {
    const block = document.createElement("p");
    block.append(document.createElement("br"));
    editor.replaceChildren(block);
  }
  let before = getComputedStyle(editor).direction;
  for (const block of editor.querySelectorAll(BLOCKS)) {
    // A new line goes on in the direction of the one before until its first letter says otherwise.
    const wanted = block.textContent.trim() ? "auto" : before;
    if (block.getAttribute("dir") !== wanted) block.setAttribute("dir", wanted);
    if (block.textContent.trim()) before = getComputedStyle(block).direction;
  }
  editor.toggleAttribute("data-empty", isEmpty(formOf(editor)));
}

function wrote(form) {
  settle(editorOf(form));
  form.dispatchEvent(new CustomEvent("wasl:wrote", { bubbles: true }));
}

document.addEventListener("input", (event) => {
  const editor = event.target.closest?.("[data-editor]");
  if (editor) wrote(formOf(editor));
});
document.addEventListener("focusin", (event) => {
  if (!event.target.matches?.("[data-editor]")) return;
  document.execCommand("defaultParagraphSeparator", false, "p");
  document.execCommand("styleWithCSS", false, false);
});

document.addEventListener("paste", (event) => {
  const editor = event.target.closest?.("[data-editor]");
  if (!editor || event.defaultPrevented || event.clipboardData.files.length) return;
  event.preventDefault();
  const html = event.clipboardData.getData("text/html");
  const nodes = html ? read(html) : readText(event.clipboardData.getData("text/plain"));
  const single = nodes.childNodes.length === 1 && nodes.firstChild.nodeName === "P";
  document.execCommand("insertHTML", false, write(single ? nodes.firstChild.childNodes : nodes.childNodes));
});

// ---- Format

const bar = (form) => form.querySelector("[data-format]");
const DO = {
  quote: () => document.execCommand("formatBlock", false, within("BLOCKQUOTE") ? "p" : "blockquote"),
  link: (form) => askLink(form),
};

function within(name) {
  const node = getSelection().anchorNode;
  return (node?.nodeType === Node.ELEMENT_NODE ? node : node?.parentElement)?.closest(`[data-editor] ${name}`);
}

function press(form) {
  const tools = bar(form);
  if (!tools || tools.hidden) return;
  for (const button of tools.querySelectorAll("[data-do][aria-pressed]")) {
    const what = button.dataset.do;
    button.setAttribute("aria-pressed", String(what === "quote" ? Boolean(within("BLOCKQUOTE")) : document.queryCommandState(what)));
  }
}

function askLink(form) {
  const box = bar(form).querySelector("[data-link]");
  box.hidden = !box.hidden;
  if (box.hidden) return;
  box.querySelector("input").value = within("A")?.href ?? "";
  box.querySelector("input").focus();
}

function setLink(form) {
  const box = bar(form).querySelector("[data-link]");
  const given = box.querySelector("input").value.trim();
  const address = /^(https?:|mailto:|tel:)/i.test(given) ? given : `https://${given}`;
  box.hidden = true;
  place(form);
  if (!given) document.execCommand("unlink");
  else if (getSelection().isCollapsed && !within("A")) insertHtml(form, write(anchor(address, given)));
  else document.execCommand("createLink", false, address);
}

function anchor(address, shown) {
  const link = document.createElement("a");
  link.setAttribute("href", address);
  link.append(shown);
  return [link];
}

document.addEventListener("mousedown", (event) => {
  if (event.target.closest("[data-format] button")) event.preventDefault(); // the selection stays
});
document.addEventListener("click", (event) => {
  const form = formOf(event.target);
  if (!form) return;
  const toggle = event.target.closest("[data-toggle-format]");
  const action = event.target.closest("[data-do]");
  if (toggle) {
    bar(form).hidden = !bar(form).hidden;
    toggle.setAttribute("aria-pressed", String(!bar(form).hidden));
    place(form);
  } else if (action) {
    place(form);
    if (DO[action.dataset.do]) DO[action.dataset.do](form);
    else document.execCommand(action.dataset.do);
    press(form);
  } else if (event.target.closest("[data-set-link]")) setLink(form);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.closest?.("[data-link]")) {
    event.preventDefault();
    setLink(formOf(event.target));
  } else if (event.key === "Escape" && event.target.closest?.("[data-link]")) {
    event.preventDefault();
    event.stopPropagation();
    askLink(formOf(event.target));
    place(formOf(event.target));
  }
}, true);

// ---- Forms outside a conversation (a saved reply) need nothing more than this.

export function mountAll() {
  for (const form of document.querySelectorAll("form[data-writing]")) mount(form);
}
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-writing]")) sync(event.target);
}, true);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  const form = button && document.querySelector("form[data-writing]");
  if (form) insertText(form, button.dataset.insert);
});

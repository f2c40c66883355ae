// The little markup our editor knows: read from anything (a paste, a draft), and written again as text.
//
// Blocks: p, ul, ol, li, blockquote. Words: b, i, a, br, img (a file of the draft, `data-cid`). All else is reduced to
// these; the server does the same again with what it is sent.

const INLINE = { B: "b", STRONG: "b", I: "i", EM: "i", A: "a", BR: "br", IMG: "img" };
const BLOCK = { P: "p", UL: "ul", OL: "ol", LI: "li", BLOCKQUOTE: "blockquote" };
const BREAKS = new Set(["DIV", "H1", "H2", "H3", "H4", "H5", "H6", "TR", "PRE", "SECTION", "ARTICLE", "HEADER", "TABLE", "DD", "DT"]);
const HEADING = /^H[1-6]$/;
const GONE = new Set(["SCRIPT", "STYLE", "HEAD", "TITLE", "META", "LINK", "TEMPLATE", "NOSCRIPT", "IFRAME", "OBJECT", "SVG", "svg", "MATH", "TEXTAREA", "SELECT", "BUTTON"]);
const ADDRESS = /^(https?:|mailto:|tel:)/i;
const isBlock = (node) => node.nodeType === Node.ELEMENT_NODE && node.nodeName in BLOCK;

// Safe nodes of any HTML; nothing in it is loaded or run.
export function read(html) {
  // Styles are read, never applied, and handlers are neither: the page's policy would complain of each.
  const styled = html.replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/\s(style|on[a-z]+)\s*=/gi, " data-$1="));
  return tidy(new DOMParser().parseFromString(styled, "text/html").body);
}

// Safe nodes of plain text: a blank line begins a paragraph.
export function readText(text) {
  const fragment = document.createDocumentFragment();
  for (const part of text.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    const block = paragraph();
    part.split("\n").forEach((line, at) => {
      if (at) block.append(document.createElement("br"));
      block.append(line);
    });
    fragment.append(block);
  }
  return fragment;
}

function paragraph() {
  const block = document.createElement("p");
  block.dir = "auto";
  return block;
}

// What an element holds, as safe blocks.
export function tidy(source) {
  const out = document.createDocumentFragment();
  flow(source, out);
  for (const block of [...out.querySelectorAll("p")]) if (!block.hasChildNodes()) block.remove();
  return out;
}

// Put what `source` holds into `target`, words into paragraphs, blocks beside one another.
function flow(source, target) {
  let open = null;
  const words = () => (open ??= target.appendChild(paragraph()));
  for (const node of source.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) {
      if (open || node.data.trim()) words().append(node.data.replace(/[ \t\r\n]+/g, " "));
    } else if (node.nodeType !== Node.ELEMENT_NODE || GONE.has(node.nodeName)) {
      continue;
    } else if (node.nodeName in BLOCK && node.nodeName !== "P") {
      open = null;
      target.append(structure(node));
    } else if (node.nodeName === "P" || BREAKS.has(node.nodeName) || holdsBlocks(node)) {
      open = null;
      const inner = document.createDocumentFragment();
      flow(node, inner);
      if (HEADING.test(node.nodeName)) for (const each of inner.children) embolden(each);
      if (!inner.hasChildNodes() && node.nodeName === "P") inner.append(empty());
      target.append(inner);
    } else {
      phrase(node, words());
    }
  }
}

const holdsBlocks = (node) => [...node.children].some((each) => each.nodeName in BLOCK || BREAKS.has(each.nodeName) || holdsBlocks(each));

function empty() {
  const block = paragraph();
  block.append(document.createElement("br"));
  return block;
}

function embolden(block) {
  const strong = document.createElement("b");
  strong.append(...block.childNodes);
  block.append(strong);
}

// A list or a quotation.
function structure(node) {
  const block = document.createElement(BLOCK[node.nodeName]);
  block.dir = "auto";
  if (node.nodeName === "BLOCKQUOTE") {
    flow(node, block);
    return block;
  }
  if (node.nodeName === "LI") {
    item(node, block);
    return block;
  }
  for (const child of node.children) if (child.nodeName === "LI" || child.nodeName in BLOCK) block.append(structure(child));
  return block;
}

function item(node, block) {
  for (const child of node.childNodes) {
    if (child.nodeName === "UL" || child.nodeName === "OL") block.append(structure(child));
    else if (child.nodeType === Node.TEXT_NODE) block.append(child.data.replace(/[ \t\r\n]+/g, " "));
    else if (child.nodeType === Node.ELEMENT_NODE && !GONE.has(child.nodeName)) {
      if (child.nodeName === "P" || BREAKS.has(child.nodeName)) {
        if (block.hasChildNodes()) block.append(document.createElement("br"));
        item(child, block);
      } else phrase(child, block);
    }
  }
}

// Words with their emphasis and links.
function phrase(node, into) {
  if (node.nodeName === "BR") {
    into.append(document.createElement("br"));
    return;
  }
  if (node.nodeName === "IMG") {
    if (/^[0-9a-f]{32}$/.test(node.dataset?.cid ?? "")) into.append(picture(node));
    return;
  }
  for (const name of wraps(node)) {
    const wrap = document.createElement(name);
    if (name === "a") wrap.href = node.getAttribute("href").trim();
    into.append(wrap);
    into = wrap;
  }
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) into.append(child.data.replace(/[ \t\r\n]+/g, " "));
    else if (child.nodeType === Node.ELEMENT_NODE && !GONE.has(child.nodeName)) phrase(child, into);
  }
}

// Word processors say bold and italic in styles, and wrap everything in a <b> that is not bold.
function wraps(node) {
  const style = node.getAttribute("data-style") ?? node.getAttribute("style") ?? "";
  const plain = /font-weight:\s*(normal|400)/i.test(style);
  const found = [];
  if ((INLINE[node.nodeName] === "b" && !plain) || /font-weight:\s*(bold|[6-9]00)/i.test(style)) found.push("b");
  if (INLINE[node.nodeName] === "i" || /font-style:\s*italic/i.test(style)) found.push("i");
  if (node.nodeName === "A" && ADDRESS.test(node.getAttribute("href")?.trim() ?? "")) found.push("a");
  return found;
}

function picture(node) {
  const shown = document.createElement("img");
  shown.dataset.cid = node.dataset.cid;
  shown.alt = node.getAttribute("alt") ?? "";
  const address = node.getAttribute("src") ?? "";
  if (address.startsWith("/drafts/files/")) shown.src = address;
  return shown;
}

// ---- As text again

const escape = (text) => text.replace(/[&<>"]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[letter]);

export function write(nodes) {
  return [...nodes].map(one).join("");
}

function one(node) {
  if (node.nodeType === Node.TEXT_NODE) return escape(node.data);
  const name = node.nodeName.toLowerCase();
  if (name === "br") return "<br>";
  if (name === "img") return `<img data-cid="${escape(node.dataset.cid)}" alt="${escape(node.alt)}">`;
  const about = name === "a" ? ` href="${escape(node.getAttribute("href"))}"` : isBlock(node) ? ' dir="auto"' : "";
  return `<${name}${about}>${write(node.childNodes)}</${name}>`;
}

// The words alone, as a person would type them.
export function plain(nodes) {
  const out = [...nodes].map((node) => (isBlock(node) ? `${words(node)}\n\n` : words(node))).join("");
  return out.replace(/\n{3,}/g, "\n\n").trim();
}

function words(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.nodeName === "BR") return "\n";
  const inner = [...node.childNodes].map(words).join("");
  return node.nodeName === "LI" ? `- ${inner}\n` : inner;
}

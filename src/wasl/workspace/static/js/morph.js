// Change what is shown into what the server says, keeping every element that is still the same: scroll, focus,
// what is being typed and what is folded open stay as they are. An htmx extension: hx-swap="morph" (the element
// itself) and "morph-inner" (what it holds).
//
// Elements are matched by `id` or `data-key`. `data-keep`: never touched. `data-merge="start|end"`: what is shown
// before (after) the part the server speaks of stays: pages of a list that were loaded later.

// By its attribute: a field named "id" hides a form's property.
const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("id") || node.dataset.key || "" : "");

// The links to earlier messages and older rows.
const PAGERS = new Set(["earlier", "older"]);

// What the page itself sets and the server does not know.
const OWN = new Set(["open", "aria-busy", "data-height"]);

export function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
    from.replaceWith(to);
    return to;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return from;
  }
  if (from.hasAttribute("data-keep") || from.isEqualNode(to)) return from;
  attributes(from, to);
  if (from.nodeName !== "TEXTAREA" && from.nodeName !== "IFRAME") children(from, to);
  return from;
}

function attributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !OWN.has(name)) from.removeAttribute(name);
  }
  for (const { name, value } of [...to.attributes]) {
    if (!OWN.has(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
}

export function children(from, to) {
  const shown = new Map();
  for (const node of from.childNodes) {
    const key = keyOf(node);
    if (key) shown.set(key, node);
  }
  const coming = [...to.childNodes];
  const kept = keptOf(from, coming, shown);
  const keptKeys = new Set([...kept].map(keyOf).filter(Boolean));
  // With other pages there, the way to more of them is theirs: where it is gone, all there is has been loaded.
  const known = (key) => keptKeys.has(key) || (kept.size > 0 && PAGERS.has(key) && !shown.has(key));
  let cursor = next(from.firstChild, kept);
  for (const node of coming) {
    const key = keyOf(node);
    if (key && known(key)) continue;
    const match = key ? shown.get(key) : unkeyed(cursor, node, kept);
    if (!match) {
      from.insertBefore(node, cursor);
      continue;
    }
    if (match !== cursor) move(from, match, cursor);
    const result = morph(match, node);
    cursor = next(result.nextSibling, kept);
  }
  while (cursor) {
    const following = next(cursor.nextSibling, kept);
    if (!cursor.hasAttribute?.("data-keep")) cursor.remove();
    cursor = following;
  }
}

// The nodes of other pages: before the first, or after the last, that the server speaks of.
function keptOf(from, coming, shown) {
  const kept = new Set();
  const known = coming.filter((node) => /^(m|c|e)-/.test(keyOf(node)) && shown.has(keyOf(node)));
  if (!from.dataset.merge || !known.length) return kept;
  const end = from.dataset.merge === "end";
  const border = shown.get(keyOf(end ? known[known.length - 1] : known[0]));
  // A day's line may stand over earlier messages, and the way to more of them is theirs.
  const spoken = new Set(coming.map(keyOf).filter((key) => key && !key.startsWith("day-") && !PAGERS.has(key)));
  for (let node = end ? border.nextSibling : border.previousSibling; node; node = end ? node.nextSibling : node.previousSibling) {
    if (!spoken.has(keyOf(node))) kept.add(node);
  }
  return kept;
}

function next(node, kept) {
  while (node && kept.has(node)) node = node.nextSibling;
  return node;
}

function unkeyed(cursor, node, kept) {
  for (let other = cursor; other; other = other.nextSibling) {
    if (kept.has(other) || keyOf(other)) continue;
    return other.nodeType === node.nodeType && other.nodeName === node.nodeName ? other : null;
  }
  return null;
}

function move(parent, node, before) {
  if (parent.moveBefore) parent.moveBefore(node, before);
  else parent.insertBefore(node, before);
}

function swap(style, target, fragment) {
  const focused = document.activeElement;
  const root = target.cloneNode(false);
  if (style === "morph-inner") {
    root.replaceChildren(...fragment.childNodes);
    children(target, root);
  } else {
    const same = [...fragment.children].find((node) => keyOf(node) && keyOf(node) === keyOf(target));
    if (same) morph(target, same);
    else {
      root.replaceChildren(...fragment.childNodes);
      children(target, root);
    }
  }
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  return [target];
}

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style.startsWith("morph"),
  handleSwap: (style, target, fragment) => (style.startsWith("morph") ? swap(style, target, fragment) : false),
});

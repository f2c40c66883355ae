// The sheet in which models and pictures are looked at: a dialog of its own, the same on our pages and in the widget.

const STYLE = `
:host { all: initial; }
dialog { box-sizing: border-box; inline-size: min(60rem, 100vw); block-size: min(46rem, 100dvh); max-inline-size: none; max-block-size: none; padding: 0; border: 0; border-radius: 1rem; overflow: hidden;
  background: var(--surface, Canvas); color: var(--ink, CanvasText); font: 400 .9375rem/1.5 var(--font, system-ui, sans-serif); }
dialog[open] { display: grid; grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr); }
dialog::backdrop { background: rgb(0 0 0 / .6); }
@media (max-width: 45rem) { dialog { border-radius: 0; inline-size: 100vw; block-size: 100dvh; } }
.head, .foot { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; padding: .5rem .75rem; }
.head h2 { flex: 1 1 0; min-inline-size: 0; margin: 0; font-size: 1rem; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: start; }
.foot { justify-content: center; }
.foot p { order: 1; flex: 1 1 100%; margin: 0; font-size: .8125rem; text-align: center; text-wrap: pretty; }
button, a.act { box-sizing: border-box; display: inline-grid; place-items: center; min-inline-size: 2.75rem; min-block-size: 2.75rem; padding: 0 .75rem; border: 1px solid var(--line-control, GrayText); border-radius: .5rem; background: none; color: inherit; font: inherit; text-decoration: none; cursor: pointer; }
button:disabled { opacity: .45; cursor: default; }
button:focus-visible, a:focus-visible, canvas:focus-visible { outline: 2px solid var(--accent, Highlight); outline-offset: 2px; }
a.act:has(img) { padding: .25rem .75rem; grid-auto-flow: column; gap: .5rem; }
a.act img { block-size: 2rem; border-radius: .25rem; }
.stage { position: relative; min-block-size: 0; display: grid; background: var(--fill, rgb(128 128 128 / .12)); }
.stage > * { grid-area: 1 / 1; inline-size: 100%; block-size: 100%; min-block-size: 0; }
.stage img { object-fit: contain; }
canvas { display: block; touch-action: none; cursor: grab; outline-offset: -4px !important; }
canvas:active { cursor: grabbing; }
.said { display: grid; place-content: center; padding: 1rem; box-sizing: border-box; text-align: center; }
.said p { margin: 0; max-inline-size: 32rem; padding: .75rem 1rem; border-radius: .75rem; background: var(--surface, Canvas); }
[hidden] { display: none !important; }
`;

const told = new Map();

// The texts in that language, asked for once.
function words(language) {
  if (!told.has(language)) {
    const asked = fetch(new URL(`/view/words?lang=${language}`, import.meta.url), { credentials: "omit", referrerPolicy: "no-referrer" });
    told.set(language, asked.then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error("words")))));
    told.get(language).catch(() => told.delete(language));
  }
  return told.get(language);
}

// make("button", {type: "button", onclick}, child, "text")
export function make(tag, more = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(more)) {
    if (name.startsWith("on")) made[name] = value;
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((each) => each != null));
  return made;
}

// Opens the sheet: {dialog, main, foot, say, closed}; `closed` is a signal that ends with it.
export async function sheet(title, language) {
  const texts = await words(language);
  const say = (name, values = {}) => texts[name].replace(/%\((\w+)\)s/g, (_, key) => `\u2068${values[key] ?? ""}\u2069`);
  const host = document.createElement("wasl-sheet"), ended = new AbortController();
  const style = new CSSStyleSheet();
  style.replaceSync(STYLE);
  const shadow = host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [style];
  const close = make("button", { type: "button", "aria-label": say("close"), onclick: () => dialog.close() }, "✕");
  const heading = make("h2", { id: "title" }, make("bdi", {}, title)), main = make("div", { class: "stage" }), foot = make("div", { class: "foot" });
  const dialog = make("dialog", { "aria-labelledby": "title", lang: language, dir: language === "ar" ? "rtl" : "ltr" }, make("div", { class: "head" }, heading, close), main, foot);
  dialog.onclose = () => {
    ended.abort();
    host.remove();
  };
  // Keys that mean something here mean nothing to the page behind.
  dialog.onkeydown = (event) => event.stopPropagation();
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
  shadow.append(dialog);
  document.body.append(host);
  dialog.showModal();
  return { dialog, main, foot, say, closed: ended.signal };
}

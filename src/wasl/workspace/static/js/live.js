// Open pages hear of changes and read again what they show of them.
//
//   data-live="list"                 read again at any change
//   data-live="notices"              when there is news for the reader
//   data-live="conversation:<id>"    at changes of that conversation (customer:<id> likewise; several words may stand)
//   data-live-dot                    gets data-live="on" or "off"
//   data-live-words                  its text becomes data-on or data-off
//
// An element reads again when htmx triggers `wasl:refresh` on it. On `document`: `wasl:change` (detail as the server
// sends it), `wasl:presence` (likewise), `wasl:refetch`, `wasl:live` (detail {on}), `wasl:out` (signed out elsewhere).

import { Line } from "./live-worker.js";

const RETRY = 2000;
const PATIENCE = 15_000; // for the worker's first word
const REST = 3; // times as long as the last reading took
const LONGEST_REST = 15_000;
const agent = document.body.dataset.agent;
const place = `wasl-live ${agent}`;
const waiting = new Set();
const busy = new WeakMap(); // when an element's reading began
const rested = new WeakMap(); // when an element may be read again
let flushing = 0;

function refresh() {
  if (document.hidden) return; // read when it is looked at
  const now = performance.now();
  let next = Infinity;
  for (const element of waiting) {
    const due = busy.has(element) ? Infinity : (rested.get(element) ?? 0);
    if (due > now) {
      next = Math.min(next, due);
      continue;
    }
    waiting.delete(element);
    if (element.isConnected) globalThis.htmx?.trigger(element, "wasl:refresh");
  }
  if (next < Infinity) flush(next - now);
}

function flush(wait = 0) {
  clearTimeout(flushing);
  flushing = setTimeout(refresh, wait);
}

function want(elements) {
  for (const element of elements) waiting.add(element);
  flush();
}

// The first change is read at once. While they keep coming an element rests after each reading, the longer the
// slower the server answers, and the server lets what people do go first.
const ours = (detail) => (detail.requestConfig ?? detail).triggeringEvent?.type === "wasl:refresh";

function began({ detail }) {
  if (!ours(detail)) return;
  detail.headers["Wasl-Refresh"] = "1";
  busy.set(detail.elt, performance.now());
}

function ended({ detail }) {
  if (!ours(detail)) return;
  const now = performance.now();
  rested.set(detail.elt, now + Math.min(LONGEST_REST, REST * (now - busy.get(detail.elt))));
  busy.delete(detail.elt);
  flush();
}

const words = (attribute, ids = []) => ids.map((id) => `[data-live~="${attribute}:${CSS.escape(id)}"]`);

function change(detail) {
  if (detail.k === "notice") {
    want(document.querySelectorAll('[data-live~="notices"]'));
    return;
  }
  const about = ['[data-live~="list"]', ...words("conversation", detail.c), ...words("customer", detail.u)];
  want(document.querySelectorAll(about.join()));
  tell("change", detail);
}

function refetch() {
  want(document.querySelectorAll('[data-live~="list"], [data-live~="notices"], [data-live*=":"]'));
  tell("refetch");
}

let on = null; // not known yet

function live(now) {
  on = now;
  show();
  tell("live", { on });
}

function show() {
  if (on === null) return;
  for (const dot of document.querySelectorAll("[data-live-dot]")) dot.dataset.live = on ? "on" : "off";
  for (const text of document.querySelectorAll("[data-live-words]")) text.textContent = text.dataset[on ? "on" : "off"];
}

function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(`wasl:${name}`, { detail }));
}

function hear({ what, detail, on: now, last }) {
  if (last) sessionStorage.setItem(place, last);
  if (what === "change") change(detail);
  else if (what === "refetch") refetch();
  else if (what === "presence") tell("presence", detail);
  else if (what === "live") live(now);
  else if (what === "out") {
    sessionStorage.removeItem(place);
    tell("out");
  }
}

const arrival = () => [sessionStorage.getItem(place) ?? "", performance.timeOrigin];

function alone() {
  const line = new Line(agent, hear);
  line.join(...arrival());
}

function together() {
  const worker = new SharedWorker(new URL("./live-worker.js", import.meta.url), { type: "module", name: place });
  // One that was ended while its file was still on its way neither answers nor complains.
  const dead = setTimeout(() => {
    worker.port.close();
    alone();
  }, PATIENCE);
  worker.onerror = () => {
    clearTimeout(dead);
    alone();
  };
  worker.port.onmessage = ({ data }) => {
    clearTimeout(dead);
    hear(data);
  };
  const [last, since] = arrival();
  worker.port.postMessage({ what: "hello", last, since });
  addEventListener("pagehide", () => worker.port.postMessage({ what: "bye" }), { once: true });
}

function start() {
  try {
    together();
  } catch {
    alone();
  }
}

// What could not be read just now is read a little later; an answer that says no stays as it is.
function again({ detail: { elt, xhr } }) {
  if (elt?.matches?.("[data-live]") && !(xhr?.status >= 400 && xhr.status < 500)) {
    setTimeout(() => want([elt]), RETRY * (0.5 + Math.random()));
  }
}

if (agent) {
  start();
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    refetch();
    start();
  });
  document.addEventListener("visibilitychange", () => want([]));
  document.addEventListener("htmx:afterSettle", show);
  document.addEventListener("htmx:configRequest", began);
  document.addEventListener("htmx:afterRequest", ended);
  for (const name of ["sendError", "responseError", "timeout"]) document.addEventListener(`htmx:${name}`, again);
}

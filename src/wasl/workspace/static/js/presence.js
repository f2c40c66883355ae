// Who else is at the open conversation: this page says every few seconds that it is there, and shows who else does.

import { openId } from "./desk.js";
import { headers } from "./drafts.js";
import { say } from "./words.js";

const EVERY = 4000;
const TYPING = 6000; // so long after the last letter one is still writing
const tab = Math.random().toString(36).slice(2, 10);
const me = document.body.dataset.agent;
let where = "";
let state = "";
let typed = 0;
let timer = 0;

const line = () => document.querySelector("#composer [data-presence]");

function beat(conversation, now) {
  const body = new URLSearchParams({ tab, state: now });
  fetch(`/conversations/${conversation}/presence`, { method: "POST", headers: headers(), body, keepalive: now === "gone" }).catch(() => null);
}

function tell() {
  clearTimeout(timer);
  timer = setTimeout(tell, EVERY);
  const here = document.hidden ? "" : openId();
  if (where && where !== here) {
    beat(where, "gone");
    if (!here) show([]);
  }
  where = here;
  if (!here) return;
  state = performance.now() - typed < TYPING && typed ? "typing" : "viewing";
  beat(here, state);
}

function show(people) {
  const place = line();
  if (!place) return;
  const others = people.filter(([agent]) => agent !== me);
  const writing = others.filter(([, , doing]) => doing === "typing").map(([, name]) => name);
  const names = writing.length ? writing : others.map(([, name]) => name);
  const words = { names: listed(names) };
  place.replaceChildren();
  if (!names.length) return;
  place.append(icon(writing.length ? "note" : "eye"), say(writing.length ? (names.length > 1 ? "writeThey" : "writes") : names.length > 1 ? "readThey" : "reads", words));
}

// Each name in its own direction (U+2068 … U+2069), joined as the language does it.
function listed(names) {
  const shown = names.slice(0, 3).map((name) => `\u2068${name.split(" ")[0]}\u2069`);
  return new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" }).format(shown);
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon xs");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

document.addEventListener("wasl:presence", ({ detail: { c, p } }) => {
  if (c === openId()) show(p);
});
document.addEventListener("wasl:live", ({ detail }) => {
  if (detail.on) tell(); // what was said before the line was open went unheard
});
document.addEventListener("wasl:wrote", (event) => {
  if (!event.target.closest?.("#composer form[data-way=out]")) return;
  typed = performance.now();
  if (state !== "typing") tell();
});
document.addEventListener("wasl:sent", () => {
  typed = 0;
  tell();
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "thread" || openId() !== where) tell();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) tell();
});
addEventListener("pagehide", () => {
  if (where) beat(where, "gone");
  where = "";
});
if (me && document.getElementById("desk")) tell();

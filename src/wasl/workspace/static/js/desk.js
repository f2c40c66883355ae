// The workspace: conversations open in place, the list keeps its scroll, what is read is marked as read.

const desk = () => document.getElementById("desk");
const rows = () => [...document.querySelectorAll("#list .row")];
const plain = (event) => event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
const conversationIn = (href) => new URL(href, location.href).pathname.match(/\/([0-9a-f-]{36})$/)?.[1] ?? "";
const viewOf = (href) => {
  const { pathname, search } = new URL(href, location.href);
  const view = document.getElementById("desk").dataset.view;
  return pathname === view || pathname.startsWith(`${view}/`) ? view + search : "";
};

export const openId = () => document.getElementById("thread")?.dataset.conversation ?? "";

export function show(pane) {
  if (!desk()) return;
  desk().dataset.pane = pane;
  document.querySelector("[data-card-title]")?.setAttribute("aria-level", pane === "card" ? "1" : "2");
}

function mark(id) {
  for (const row of rows()) {
    if (row.dataset.conversation === id) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
  document.querySelector("#list .place-title")?.setAttribute("aria-level", id ? "2" : "1");
  desk().classList.toggle("bare", !id);
  note(current());
}

let turn = 0;
let coming = null; // the conversation that is being fetched, '' for none
let settled = () => {};

const chosen = () => coming ?? openId();

// What is being opened and not in working order yet: null, or a promise of its id, '' when it did not come about.
let wish = null;
export const opening = () => wish;
document.addEventListener("htmx:afterSettle", ({ target }) => target.id === "thread" && settled());

// What is clicked or typed while another comes is not meant for the conversation that goes; the way back stays.
function rest(thread, on) {
  const parts = thread.querySelectorAll(":scope > :not(.thread-head), .thread-head .bar > :not([data-back]), .thread-head .strip");
  for (const part of parts) part.inert = on;
}

// Open the conversation at `href`, or with a list's address none.
export async function open(href, how = {}) {
  const mine = fetched(href, how);
  wish = mine;
  await mine;
  if (wish === mine) wish = null;
}

async function fetched(href, { push = true, focus = false }) {
  const mine = ++turn;
  const id = conversationIn(href);
  coming = id;
  const thread = document.getElementById("thread");
  thread.setAttribute("aria-busy", "true");
  rest(thread, true);
  const working = new Promise((done) => {
    settled = done;
  });
  mark(id);
  show(id ? "thread" : "list");
  // A failure has its toast, and a newer wish replaces this one.
  await htmx.ajax("GET", href, { source: desk(), target: "#thread", swap: "outerHTML" }).catch(() => null);
  if (mine !== turn) return "";
  coming = null;
  const there = document.getElementById("thread");
  there.removeAttribute("aria-busy");
  rest(there, false);
  if (openId() !== id) {
    mark(openId());
    show(openId() ? "thread" : "list");
    return "";
  }
  if (push) history.pushState({}, "", href);
  if (focus) (document.querySelector("#thread h1") ?? current())?.focus({ preventScroll: true });
  markSeen();
  if (there !== thread) await working; // its buttons and its editor
  return mine === turn ? id : "";
}

export const current = () => document.querySelector("#list .row[aria-current]");

// Where one was in the list; when that row has left, the one that came into its place is the next.
let at = -1;

function note(...candidates) {
  const found = candidates.map((row) => rows().indexOf(row)).find((index) => index >= 0);
  if (found !== undefined) at = found;
}

export const place = () => at;
export const near = () => rows()[Math.min(at, rows().length - 1)] ?? null;
const focused = () => document.activeElement.closest?.("#list .row");
document.addEventListener("focusin", () => note(focused()));

document.addEventListener("click", (event) => {
  const link = event.target.closest("#list .row, [data-back]");
  if (!link || !plain(event)) return;
  event.preventDefault();
  open(link.href, { focus: event.detail === 0 });
});

addEventListener("popstate", () => {
  if (!desk()) return;
  if (viewOf(location.href) && (rows().length || openId())) open(location.href, { push: false });
  else location.reload();
});

// The card lies over the thread where there is no room beside it.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-show-card]")) {
    show("card");
    document.querySelector("[data-hide-card]")?.focus();
  } else if (event.target.closest("[data-hide-card]")) {
    show("thread");
    document.querySelector("[data-show-card]")?.focus();
  }
});

// A list that is read again holds as much as is shown.
document.addEventListener("htmx:configRequest", (event) => {
  const holder = event.target.closest?.("[data-counted]") ?? event.detail.target?.closest?.("[data-counted]");
  if (holder && event.detail.verb === "get" && !event.detail.path.includes("before=")) {
    event.detail.parameters.set("count", holder.querySelectorAll(holder.dataset.counted).length);
  }
});

// Read: when a conversation is in front of someone, also when something new comes in.
let told = "";

function newest() {
  const last = [...document.querySelectorAll("#messages .msg:not([data-way=out])")].pop();
  return openId() && last ? `${openId()} ${last.id}` : "";
}

function readRow() {
  const row = document.visibilityState === "visible" ? current() : null;
  if (!row) return;
  row.removeAttribute("data-unread");
  row.querySelector(".unread-word")?.remove();
}

async function markSeen() {
  const now = newest();
  if (!now || document.visibilityState !== "visible") return;
  readRow();
  if (now === told) return;
  told = now;
  const answer = await fetch(`/conversations/${openId()}/seen`, {
    method: "POST",
    headers: { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" },
    keepalive: true, // somebody who goes on at once has read it, too
  }).catch(() => null);
  if (!answer?.ok) told = "";
}

// Two pages of messages may meet within a day, which then is named twice.
function uniqueDays() {
  const seen = new Set();
  for (const day of document.querySelectorAll("#messages > .day")) {
    if (seen.has(day.dataset.key)) day.remove();
    seen.add(day.dataset.key);
  }
}

document.addEventListener("htmx:afterSwap", (event) => {
  uniqueDays();
  if (event.target.id === "list") {
    mark(chosen());
    note(focused());
  }
  if (["list", "messages"].includes(event.target.id)) markSeen();
});
document.addEventListener("visibilitychange", markSeen);
if (desk()) {
  note(current());
  markSeen();
}

// The event stream. As a SharedWorker this file holds the one stream of a browser and passes what comes on to every
// tab (HTTP/1.1 would block the seventh tab otherwise); where there are no shared workers each page imports `Line`.
//
// To a tab: {what, last, …} with `what` one of
//   change {detail: {k, c, u, i}}   something changed
//   presence {detail: {c, p}}       who is at a conversation
//   refetch                         anything may have changed
//   live {on}                       whether changes are being heard
//   out                             signed out, or signed in as someone else: nothing more will come
//   at                              only a newer `last`
// From a tab: {what: "hello", last, since} first, {what: "bye"} at the end.

const FIRST_WAIT = 250;
const LONGEST_WAIT = 30_000;
const SILENCE = 40_000; // the server says something every 15 s
const KEPT = 60_000;
const SLACK = 100; // two clocks of one machine

export class Line {
  // `agent`: whose stream it must be. `tell(message)` is called with what is for the tabs.
  constructor(agent, tell) {
    this.agent = agent;
    this.tell = tell;
    this.last = "";
    this.on = false;
    this.out = false;
    this.failures = 0;
    this.whole = Infinity; // everything that came after this moment is in `kept`
    this.kept = [];
    this.source = null;
    addEventListener("online", () => this.retryNow());
  }

  // A page that was asked for at `since`, and whose predecessor in the tab had heard everything up to `last`.
  join(last, since) {
    if (!this.source && !this.timer) {
      this.last ||= last;
      this.out = false;
      this.open();
      return [];
    }
    if (this.whole > since) return [{ what: "refetch" }];
    return this.kept.filter(({ time }) => time >= since - SLACK).map(({ message }) => message);
  }

  open() {
    clearTimeout(this.timer);
    this.timer = 0;
    const resumed = Boolean(this.last);
    const source = new EventSource(`/live?last=${encodeURIComponent(this.last)}`);
    this.source = source;
    this.expect();
    source.onerror = () => this.broken(source.readyState === EventSource.CLOSED);
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        if (this.source !== source) return;
        this.expect();
        this.last = event.lastEventId || this.last;
        act(event.data);
      });
    on("hello", (agent) => this.greeted(agent, resumed));
    on("change", (data) => this.changed({ what: "change", detail: JSON.parse(data) }));
    on("presence", (data) => this.send({ what: "presence", detail: JSON.parse(data) }));
    on("refetch", () => this.refetch());
    on("pause", () => this.heard(false));
    on("beat", () => this.send({ what: "at" }));
    on("end", (why) => (why === "stopping" ? this.broken(false) : this.broken(true)));
  }

  greeted(agent, resumed) {
    if (agent !== this.agent) {
      this.leave();
      return;
    }
    this.failures = 0;
    this.heard(true);
    if (resumed) this.whole = Math.min(this.whole, Date.now());
    else this.refetch();
  }

  changed(message) {
    const time = Date.now();
    this.kept = this.kept.filter((each) => each.time > time - KEPT);
    this.whole = Math.max(this.whole, time - KEPT);
    this.kept.push({ time, message });
    this.send(message);
  }

  refetch() {
    this.whole = Date.now();
    this.kept = [];
    this.heard(true);
    this.send({ what: "refetch" });
  }

  heard(on) {
    if (this.on === on) return;
    this.on = on;
    this.send({ what: "live", on });
  }

  send(message) {
    this.tell({ ...message, last: this.last });
  }

  // Something must come before long, or the line is dead without a word.
  expect() {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.broken(false), SILENCE);
  }

  close() {
    clearTimeout(this.watch);
    this.source?.close();
    this.source = null;
  }

  // The browser would come back by itself, but every one after the same time, and not after an error status.
  async broken(refused) {
    const source = this.source;
    this.close();
    this.heard(false);
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.failures++) * (0.5 + Math.random() / 2);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), wait);
    if (!refused || !source) return;
    const answer = await fetch("/live", { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (answer?.status === 401 && !this.source) this.leave();
  }

  leave() {
    this.close();
    clearTimeout(this.timer);
    this.timer = 0;
    this.last = "";
    this.out = true;
    this.heard(false);
    this.send({ what: "out" });
  }

  retryNow() {
    if (this.timer) {
      this.failures = 0;
      this.open();
    }
  }
}

function share(scope) {
  const ports = new Set();
  const line = new Line(scope.name.split(" ")[1], (message) => {
    for (const port of ports) port.postMessage(message);
  });
  scope.onconnect = ({ ports: [port] }) => {
    port.onmessage = ({ data }) => {
      if (data.what === "bye") {
        ports.delete(port);
        return;
      }
      const missed = line.join(data.last, data.since);
      ports.add(port);
      if (line.on || line.failures) missed.unshift({ what: "live", on: line.on });
      missed.unshift({ what: "at" }); // at once: it says that this worker lives
      for (const message of missed) port.postMessage({ ...message, last: line.last });
    };
  };
}

if ("SharedWorkerGlobalScope" in globalThis) share(globalThis);

// Talking to Wasl: requests, the outbox on its way, the stream, and the other tabs of this browser.

const HERE = new URL(document.currentScript.src).origin;
const AT = `${HERE}/chat/${OWN.inbox}`;
const PATIENCE = 20000;
const SILENCE = 40000; // the stream says something every 15 s
const PAUSES = [500, 1000, 2000, 4000, 8000, 15000];

class Refused extends Error {
  constructor(status, detail, wait) {
    super(detail);
    this.status = status;
    this.wait = wait;
  }
}

class Wire extends EventTarget {
  constructor(language, token) {
    super();
    this.language = language;
    this.token = token;
    this.owner = accountIn(token);
    this.secret = secret(); // held: what another tab of somebody else renews is not this one's
    this.ending = new AbortController();
    this.cursor = "";
    this.flushing = false;
    this.tries = 0;
    this.streaming = null;
    this.stopped = false;
    this.heard = { delivered: new Set(), read: new Set() };
    this.said = new Set();
    this.tabs = "BroadcastChannel" in window ? new BroadcastChannel(`${PLACE}:${this.owner}`) : null; // of the same person
    if (this.tabs) this.tabs.onmessage = ({ data }) => this.heardOf(data);
    this.patience = SILENCE;
    this.pulse = Date.now();
    this.watch = setInterval(() => this.look(), 2000);
    addEventListener("online", () => this.hurry(), { signal: this.ending.signal });
    addEventListener("offline", () => this.line?.abort(), { signal: this.ending.signal });
  }

  // An event for this tab, and for the others.
  tell(kind, detail, everywhere = true) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
    if (everywhere && !this.stopped) this.tabs?.postMessage({ kind, detail });
  }

  heardOf({ kind, detail }) {
    this.pulse = Date.now();
    if (kind !== "pulse") this.tell(kind, detail, false);
  }

  // A tab that the system put to sleep may still hold the stream: whoever is looked at takes it over.
  look() {
    if (!this.waiting || document.hidden || Date.now() - this.pulse < this.patience) return;
    this.pulse = Date.now();
    this.leave?.();
    this.listen(true);
  }

  headers(more = {}) {
    const said = { Authorization: `Bearer ${this.secret}`, ...more };
    if (this.token) said["X-Wasl-Identity"] = this.token;
    return said;
  }

  async ask(path, { body, type, query = {}, method } = {}) {
    const asked = new URLSearchParams({ language: this.language, ...query });
    const answer = await fetch(`${AT}${path}?${asked}`, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: this.headers(body === undefined ? {} : { "Content-Type": type ?? "application/json" }),
      body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout?.(body instanceof Blob ? 6 * PATIENCE : PATIENCE),
    });
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return said;
    throw new Refused(answer.status, said.detail ?? "", Number(answer.headers.get("Retry-After")) || 0);
  }

  // How it stands, who we are, what was said so far.
  async hello() {
    const said = await this.ask("");
    if (said.visitor.problem) this.unproven(said.visitor.problem);
    if (said.visitor.spent) this.renew();
    this.cursor = said.cursor;
    this.tell("hello", said, false);
    this.take(said.messages);
    this.tell("standing", said.standing);
    this.box = said.inbox;
    if (said.inbox) await this.enter();
    return said;
  }

  unproven(why) {
    console.warn(`Wasl chat: the identity token proves nothing (${why}). The visitor is anonymous until a valid one is set.`);
    this.token = "";
    this.tell("unproven", why, false);
  }

  // The secret belonged to somebody who has signed out: this browser is somebody new, and so is its stream. Another tab
  // may have found that out before: then both are the same somebody.
  renew() {
    if (secret() === this.secret) kept.put("secret", invented());
    this.secret = secret();
    this.cursor = "";
    this.line?.abort();
  }

  async take(items) {
    const there = new Set(items.map((item) => item.own));
    for (const entry of items.length ? await outbox.all() : []) if (there.has(entry.id)) await outbox.drop(entry.id);
    if (items.length) this.tell("messages", items);
  }

  // Sending -----------------------------------------------------------------------------------------------

  async write(entry) {
    await outbox.put({ at: Date.now(), state: "waiting", ...entry, id: uuid(), owner: this.token ? this.owner : "", secret: this.secret });
    kept.put("known", "yes");
    this.tell("outbox");
    this.flush();
    this.listen();
  }

  // What this visitor wrote and is not on the other side yet; what another account left here waits for that one. An
  // account takes over what was written with its own secret, not what somebody writes beside it in another tab.
  async mine() {
    const theirs = (entry) => (entry.owner ? entry.owner === this.owner : !this.token || entry.secret === this.secret);
    return (await outbox.all()).filter(theirs);
  }

  async ready() {
    return (await this.mine()).filter((entry) => entry.state === "waiting" && (!entry.owner || this.token));
  }

  async retry(id) {
    for (const entry of await outbox.all()) if (entry.id === id) await outbox.put({ ...entry, state: "waiting", why: "" });
    this.tell("outbox");
    this.flush();
  }

  async discard(id) {
    await outbox.drop(id);
    this.tell("outbox");
  }

  hurry() {
    clearTimeout(this.pause);
    this.tries = 0;
    this.flush();
    this.wake?.();
  }

  async flush() {
    if (this.flushing || this.stopped) return;
    this.flushing = true;
    clearTimeout(this.pause);
    try {
      await alone("send", async () => {
        for (const entry of await this.ready()) if (this.stopped || !(await this.post(entry))) break;
      });
    } finally {
      this.flushing = false;
    }
    // What was written while the last one was on its way.
    if (!this.stopped && (await this.ready()).length) {
      this.pause = setTimeout(() => this.flush(), this.tries ? this.wait() : 0);
    }
  }

  wait() {
    return (this.longer || 0) * 1000 + PAUSES[Math.min(this.tries, PAUSES.length) - 1] * (0.8 + Math.random() * 0.4);
  }

  // Whether to go on with the next.
  async post(entry) {
    try {
      await this.deliver(entry);
      this.tries = this.longer = 0;
      await outbox.put({ ...entry, file: undefined, state: "sent" });
      this.tell("outbox");
      this.online(true);
      return true;
    } catch (error) {
      return this.refused(entry, error);
    }
  }

  deliver({ id, at, file, name, email, text, choice, answers, page }) {
    if (file) return this.ask("/files", { body: file, type: file.type || "application/octet-stream", query: { id, at, name } });
    if (email) return this.ask("/address", { body: { id, at, email } });
    return this.ask("/messages", { body: { id, at, text, choice, answers, page } });
  }

  async refused(entry, error) {
    this.tries += 1;
    this.longer = error.wait || 0;
    if (!(error instanceof Refused) || error.status >= 500 || error.status === 408 || error.status === 429) {
      this.online(error instanceof Refused);
      return false;
    }
    if (error.status === 401 && this.token) {
      this.unproven(error.message);
      return false;
    }
    if (error.status === 409) {
      this.renew();
      return false;
    }
    await outbox.put({ ...entry, state: "failed", why: error.message });
    this.tell("outbox");
    this.tries = 0;
    return true;
  }

  online(is) {
    if (is !== this.connected) this.tell("line", (this.connected = is));
  }

  // Receipts ----------------------------------------------------------------------------------------------

  hear(kind, ref) {
    if (this.said.has(kind + ref) || (kind === "delivered" && this.said.has("read" + ref))) return;
    this.said.add(kind + ref);
    this.heard[kind].add(ref);
    clearTimeout(this.hearing);
    this.hearing = setTimeout(() => this.acknowledge(), 250);
  }

  async acknowledge() {
    const delivered = [...this.heard.delivered].slice(0, 100);
    const read = [...this.heard.read].slice(0, 100);
    if (!delivered.length && !read.length) return;
    try {
      await this.ask("/receipts", { body: { delivered, read } });
      for (const each of delivered) this.heard.delivered.delete(each);
      for (const each of read) this.heard.read.delete(each);
    } catch {
      this.hearing = setTimeout(() => this.acknowledge(), 5000);
    }
  }

  typing(on) {
    const present = Date.now();
    if (on ? present - (this.typed || 0) < 4000 : !this.typed) return;
    this.typed = on ? present : 0;
    this.ask("/typing", { body: { on } }).catch(() => null);
  }

  // Notices: whoever is signed in has them -----------------------------------------------------------------------

  async enter() {
    this.tell("inbox", this.box.notices, false);
    if (!this.box.known) await this.ask("/inbox", { body: {} }).catch(() => null);
  }

  note(kind, refs) {
    const fresh = refs.filter((ref) => !this.said.has(`${kind} ${ref}`));
    for (const ref of fresh) this.said.add(`${kind} ${ref}`);
    if (!fresh.length) return;
    this.tell("noted", { kind, refs: fresh });
    this.ask("/inbox", { body: { [kind]: fresh.slice(0, 100) } }).catch(() => {
      for (const ref of fresh) this.said.delete(`${kind} ${ref}`);
    });
  }

  async press(ref, key) {
    await this.ask("/inbox", { body: { read: [ref], acted: [{ ref, key }] } });
  }

  // The stream: one tab holds it and tells the others ---------------------------------------------------------

  async listen(steal = false) {
    if (this.streaming || this.stopped) return;
    const turn = {};
    this.streaming = turn;
    this.waiting = true;
    const ended = new Promise((done) => {
      this.leave = () => {
        if (this.streaming === turn) this.streaming = null;
        done();
      };
    });
    const held = alone(`stream:${this.owner}`, () => (this.streaming === turn ? this.lead(turn) : null), steal);
    await Promise.race([ended, held]).catch(() => null);
    held?.catch?.(() => null);
    if (this.streaming !== turn) return;
    // Another tab took it: wait until that one is closed.
    this.streaming = null;
    this.line?.abort();
    this.pulse = Date.now();
    if (!this.stopped) this.listen();
  }

  async lead(turn) {
    this.waiting = false;
    let failed = 0;
    while (!this.stopped && this.streaming === turn) {
      const began = Date.now();
      await this.stream().catch((error) => {
        if (error instanceof Refused && error.status === 401 && this.token) this.unproven(error.message);
        if (error instanceof Refused && error.status === 409) this.renew();
      });
      if (this.stopped || this.streaming !== turn) return;
      failed = Date.now() - began > 5000 ? 0 : Math.min(failed + 1, PAUSES.length);
      if (failed > 1) this.online(false);
      await new Promise((done) => {
        this.wake = done;
        setTimeout(done, failed ? PAUSES[failed - 1] : 200);
      });
    }
  }

  async stream() {
    const line = (this.line = new AbortController());
    let quiet = setTimeout(() => line.abort(), SILENCE);
    try {
      const headers = this.headers(this.cursor ? { "Last-Event-ID": this.cursor } : {});
      const answer = await fetch(`${AT}/stream?language=${this.language}`, {
        headers, credentials: "omit", cache: "no-store", signal: line.signal,
      });
      if (!answer.ok) throw new Refused(answer.status, answer.statusText, 0);
      this.online(true);
      this.hurry();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(quiet);
        quiet = setTimeout(() => line.abort(), SILENCE);
        const events = (rest + value).split("\n\n");
        rest = events.pop();
        for (const each of events) await this.event(each);
      }
    } finally {
      clearTimeout(quiet);
    }
  }

  async event(text) {
    const fields = Object.fromEntries(text.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
    if (fields.event === "messages") await this.take(JSON.parse(fields.data));
    else if (["standing", "typing", "inbox"].includes(fields.event)) this.tell(fields.event, JSON.parse(fields.data));
    if (fields.id) this.cursor = fields.id;
    this.tabs?.postMessage({ kind: "pulse" });
  }

  stop() {
    this.stopped = true;
    this.ending.abort();
    this.line?.abort();
    this.wake?.();
    this.tabs?.close();
    clearInterval(this.watch);
    clearTimeout(this.pause);
    clearTimeout(this.hearing);
  }
}

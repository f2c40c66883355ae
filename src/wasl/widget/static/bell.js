// The in-app inbox: notices for whoever is signed in, and notifications on this device, asked for after a click only.

const WORKER = "/wasl-push.js";
const DAY = 86400000;
const RANK = { new: 0, seen: 1, read: 2, acted: 3 };

class Bell {
  constructor(chat) {
    this.chat = chat;
    this.notes = [];
    this.state = new Map(); // what this browser knows before the server says it
    this.open = new Set();
    this.count = node("span.count", { hidden: true });
    this.button = node("button.bare.belled", { type: "button", hidden: true, "aria-pressed": "false", onclick: () => this.show(!this.shown) }, svg("bell"), this.count);
    this.list = node("div.notes", { role: "list" });
    this.empty = node("p.empty", {}, chat.say("none"));
    this.trouble = node("p.notice", { role: "alert", hidden: true });
    this.foot = node("div.device", { hidden: true });
    this.view = node("div.scroll.bells", { role: "region", tabindex: "0", "aria-label": chat.say("bell"), hidden: true }, this.empty, this.list, this.trouble, this.foot);
  }

  get wire() {
    return this.chat.wire;
  }

  get shown() {
    return !this.view.hidden;
  }

  get unread() {
    return this.notes.filter((note) => RANK[this.at(note)] < RANK.read).length;
  }

  at(note) {
    const known = this.state.get(note.ref) ?? "new";
    return RANK[known] > RANK[note.state] ? known : note.state;
  }

  take(notes) {
    this.notes = notes;
    this.wire.note("delivered", notes.filter((note) => note.state === "new").map((note) => note.ref));
    this.button.hidden = false;
    this.paint();
    if (!this.followed) this.follow();
  }

  noted({ kind, refs }) {
    const state = kind === "delivered" ? "new" : kind;
    for (const ref of refs) if (RANK[state] > RANK[this.state.get(ref) ?? "new"]) this.state.set(ref, state);
    this.paint();
  }

  show(open) {
    if (open && this.chat.calls.shown) this.chat.calls.show(false);
    this.view.hidden = !open;
    this.chat.log.hidden = this.chat.below.hidden = open;
    this.button.setAttribute("aria-pressed", String(open));
    this.paint();
    (open ? this.view : this.chat.field).focus();
  }

  paint() {
    const { unread } = this;
    this.count.hidden = !unread;
    this.count.textContent = new Intl.NumberFormat(numbered(this.chat.language)).format(unread);
    this.button.setAttribute("aria-label", this.chat.say(unread ? "bellnew" : "bell"));
    this.empty.hidden = this.notes.length > 0;
    if (this.shown) {
      const there = new Map([...this.list.children].map((child) => [child.dataset.key, child]));
      this.list.replaceChildren(...this.notes.map((note) => {
        const sign = JSON.stringify([note, this.at(note), this.open.has(note.ref)]);
        const known = there.get(note.ref);
        if (known?.dataset.sign === sign) return known;
        const made = this.line(note);
        Object.assign(made.dataset, { key: note.ref, sign });
        if (known?.contains(this.chat.shadow.activeElement)) queueMicrotask(() => made.querySelector("button").focus());
        return made;
      }));
      if (this.chat.isOpen && !document.hidden) {
        this.wire?.note("seen", this.notes.filter((note) => this.at(note) === "new").map((note) => note.ref));
      }
    }
    this.chat.seen();
  }

  line(note) {
    const at = this.at(note);
    const open = this.open.has(note.ref);
    const [first, ...rest] = note.text.split("\n");
    const title = note.title || first;
    const fresh = RANK[at] < RANK.read ? node("span.fresh", {}, this.chat.say("fresh")) : null;
    const time = node("time", { datetime: note.at }, clock(new Date(note.at), this.chat.language));
    const said = note.title ? note.text : rest.join("\n");
    const head = node("button.note", { type: "button", "aria-expanded": String(open), onclick: () => this.read(note) },
      node("b", { dir: "auto" }, title), said && !open ? node("span.start", { dir: "auto" }, said.slice(0, 140)) : null, node("span.about", {}, fresh, time));
    const body = open ? node("div.inside", {}, said ? node("div.words", { dir: "auto" }, ...linked(said, this.chat.say("newtab"))) : null, ...(note.files ?? []).map((file) => this.chat.file(file)), this.choices(note)) : null;
    return node(`div.one${fresh ? ".unread" : ""}`, { role: "listitem" }, head, body);
  }

  choices(note) {
    if (note.chosen) return node("p.about", {}, svg("check"), this.chat.say("chosen", { choice: note.chosen }));
    if (!note.choices?.length || this.at(note) === "acted") return null;
    return node("div.choices", {}, ...note.choices.map(([key, title]) => node("button", { type: "button", dir: "auto", onclick: () => this.press(note, key, title) }, title)));
  }

  read(note) {
    if (this.open.has(note.ref)) this.open.delete(note.ref);
    else this.open.add(note.ref);
    this.state.set(note.ref, this.at(note) === "acted" ? "acted" : "read");
    this.wire.note("read", note.state === "read" || note.state === "acted" ? [] : [note.ref]);
    this.paint();
  }

  async press(note, key, title) {
    this.trouble.hidden = true;
    try {
      await this.wire.press(note.ref, key);
      this.wire.tell("noted", { kind: "acted", refs: [note.ref] });
      note.chosen = title;
      this.paint();
    } catch {
      this.trouble.textContent = this.chat.say("unsaid");
      this.trouble.hidden = false;
    }
  }

  // This device -------------------------------------------------------------------------------------------------

  get worker() {
    return new URL(this.chat.getAttribute("worker") ?? WORKER, location.href);
  }

  get able() {
    return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window && this.worker.origin === location.origin;
  }

  // A scope of its own: the site's own service worker, if it has one, is left alone.
  get scope() {
    return new URL("wasl-push/", this.worker).pathname;
  }

  async subscribed() {
    const there = await navigator.serviceWorker.getRegistration(this.scope);
    return (await there?.pushManager.getSubscription()) ?? null;
  }

  async follow() {
    this.followed = true;
    if (!this.able || !this.wire.box?.key) return;
    const found = await this.subscribed().catch(() => null);
    const owner = kept.get("pushed");
    if (found && owner && owner !== this.wire.owner) {
      await found.unsubscribe().catch(() => null); // somebody else's
      kept.put("pushed", "");
    } else if (found && owner && Date.now() - Number(kept.get("pushed-at")) > DAY) {
      await this.tell(found).catch(() => null);
    }
    this.device(Boolean(found && kept.get("pushed")));
  }

  device(on) {
    const button = (text, work) => node("button.link", { type: "button", onclick: work }, this.chat.say(text));
    const refused = Notification.permission === "denied";
    const words = refused ? this.chat.say("denied") : on ? this.chat.say("notified") : "";
    this.foot.replaceChildren(...[words, refused ? null : on ? button("mute", () => this.mute()) : button("notify", () => this.notify())].filter(Boolean));
    this.foot.hidden = false;
  }

  async notify() {
    this.trouble.hidden = true;
    try {
      if ((await Notification.requestPermission()) !== "granted") return this.device(false);
      const made = await navigator.serviceWorker.register(this.worker.href, { scope: this.scope });
      await running(made);
      const key = Uint8Array.from(atob(this.wire.box.key.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
      await this.tell(await made.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
      this.device(true);
    } catch (error) {
      console.warn(`Wasl chat: ${error.message}`);
      this.trouble.textContent = this.chat.say("unsaid");
      this.trouble.hidden = false;
    }
  }

  async tell(subscription) {
    const { endpoint, keys } = subscription.toJSON();
    const label = navigator.userAgentData?.platform ?? navigator.platform ?? "";
    await this.wire.ask("/devices", { body: { kind: "web", endpoint, keys, label } });
    kept.put("pushed", this.wire.owner);
    kept.put("pushed-at", String(Date.now()));
  }

  // While the token is still there, so that the server hears of it as well.
  async mute() {
    const wire = this.wire;
    const found = this.able ? await this.subscribed().catch(() => null) : null;
    kept.put("pushed", "");
    if (found) {
      await wire.ask("/devices", { method: "DELETE", body: { kind: "web", endpoint: found.endpoint } }).catch(() => null);
      await found.unsubscribe().catch(() => null);
    }
    if (this.wire === wire) this.device(false);
  }
}

const running = (made) => new Promise((done) => {
  const worker = made.installing ?? made.waiting ?? made.active;
  if (worker.state === "activated") return done();
  worker.onstatechange = () => worker.state === "activated" && done();
});

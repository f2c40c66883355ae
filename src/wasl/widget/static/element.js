// <wasl-chat>: attributes language (ar, fr, it, en), theme (light, dark), token, open, worker.

const FRESH = 600000; // milliseconds for which somebody who answered counts as there
const NEAR = 48; // pixels from the end at which one still reads the newest

class WaslChat extends HTMLElement {
  static observedAttributes = ["token", "open", "language"];

  connectedCallback() {
    if (this.wire) return;
    this.language = this.spoken();
    this.text = TEXTS[this.language];
    this.items = new Map();
    this.mine = [];
    this.wire = new Wire(this.language, this.getAttribute("token") ?? "");
    this.build();
    this.follow();
    if (this.hasAttribute("open")) this.show(true);
    else if (kept.get("known") || this.wire.token) this.begin();
  }

  disconnectedCallback() {
    this.wire?.stop();
    this.wire = null;
    this.shadow.replaceChildren();
  }

  attributeChangedCallback(name, before, value) {
    if (!this.wire || before === value) return;
    if (name === "open") this.show(value !== null);
    else if (name === "language") this.restart();
    else if ((value ?? "") !== this.wire.token) this.restart();
  }

  // Another language, or somebody else: from the beginning.
  restart() {
    const open = this.isOpen;
    if (kept.get("pushed") && accountIn(this.getAttribute("token") ?? "") !== this.wire.owner) this.bell.mute();
    this.disconnectedCallback();
    this.begun = null;
    this.connectedCallback();
    if (open) this.show(true);
  }

  spoken() {
    const wanted = [this.getAttribute("language"), document.documentElement.lang, ...navigator.languages, OWN.fallback];
    return wanted.map((each) => (each ?? "").slice(0, 2).toLowerCase()).find((each) => each in TEXTS) ?? "en";
  }

  say(name, values) {
    return filled(this.text[name], values);
  }

  // What it is made of ----------------------------------------------------------------------------------------

  build() {
    this.shadow ??= this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    const own = OWN.colour ? `:host{--accent:${OWN.colour};--on-accent:${onColour(OWN.colour)}}` : "";
    sheet.replaceSync(STYLE + own);
    this.shadow.adoptedStyleSheets = [sheet];
    this.badge = node("span.badge", { hidden: true });
    this.launcher = node("button.launcher", { type: "button", "aria-expanded": "false", "aria-label": this.say("launch"), onclick: () => this.show(!this.isOpen) }, svg("chat"), this.badge);
    this.bell = new Bell(this);
    this.calls = new Calls(this);
    this.panel = node("section.panel", { role: "dialog", "aria-label": OWN.title, hidden: true, onkeydown: (event) => this.keys(event) }, this.head(), this.body(), this.bell.view, this.calls.view, (this.below = this.foot()));
    const root = node("div.root", { lang: this.language, dir: this.language === "ar" ? "rtl" : "ltr" }, this.panel, this.launcher);
    this.shadow.replaceChildren(root);
    this.paint();
  }

  head() {
    this.standing = node("p.standing", { role: "status" });
    const close = node("button.bare", { type: "button", "aria-label": this.say("close"), onclick: () => this.show(false) }, svg("down"));
    return node("header", {}, node("div.names", {}, node("h2", {}, node("bdi", {}, OWN.title)), this.standing), this.bell.button, this.calls.button, close);
  }

  body() {
    this.greeting = node("p.greeting", { dir: "auto" }, OWN.greetings[this.language] ?? this.say("greeting"));
    this.list = node("div.list", { role: "log", "aria-label": this.say("log"), tabindex: "0" });
    this.typist = node("p.typist", { "aria-live": "polite" });
    this.log = node("div.scroll", {}, this.greeting, this.list, this.typist);
    this.log.onscroll = () => this.seen();
    return this.log;
  }

  foot() {
    this.notice = node("p.notice", { role: "alert", hidden: true });
    this.field = node("textarea", { rows: "1", dir: "auto", maxlength: TEXT_LIMIT, "aria-label": this.say("write"), placeholder: this.say("write"), oninput: () => this.typed(), onpaste: (event) => this.pasted(event) });
    this.picker = node("input", { type: "file", multiple: true, hidden: true, tabindex: "-1", "aria-label": this.say("attach"), onchange: () => this.picked() });
    this.clip = node("button.bare", { type: "button", "aria-label": this.say("attach"), onclick: () => this.picker.click() }, svg("clip"));
    this.sender = node("button.send", { type: "submit", "aria-label": this.say("send") }, svg("send", true));
    const write = node("form.write", { onsubmit: (event) => this.send(event) }, this.clip, this.picker, this.field, this.sender);
    return node("footer", {}, this.leaving(), this.notice, write);
  }

  // Where to write to when nobody is there any more.
  leaving() {
    const input = node("input", { type: "email", dir: "ltr", required: true, autocomplete: "email", maxlength: "200", "aria-label": this.say("email"), placeholder: "name@example.com" });
    this.leave = node("form.leave", { hidden: true, onsubmit: (event) => {
      event.preventDefault();
      this.wire.write({ email: input.value.trim() });
      kept.put("email", input.value.trim());
      this.field.focus();
      this.paint();
    } }, node("p", {}, svg("mail"), this.say("leave")), node("div.row", {}, input, node("button", { type: "submit" }, this.say("keep"))));
    return this.leave;
  }

  // What happens ------------------------------------------------------------------------------------------------

  follow() {
    const { wire } = this; // what an earlier one still hears was meant for somebody else
    const on = (kind, work) => wire.addEventListener(kind, ({ detail }) => this.wire === wire && work(detail));
    on("messages", (items) => this.take(items));
    on("outbox", () => this.refresh());
    on("standing", (standing) => this.stands(standing));
    on("inbox", (notes) => this.bell.take(notes));
    on("noted", (said) => this.bell.noted(said));
    on("typing", ({ name, on: is }) => {
      this.typist.textContent = is ? this.say("typing", { name }) : "";
      this.settle();
    });
    on("line", (is) => {
      if (!is) this.typist.textContent = "";
      this.paint();
    });
    on("hello", ({ visitor }) => {
      this.verified = visitor.verified;
      this.paint();
    });
    on("unproven", (why) => this.dispatchEvent(new CustomEvent("wasl-chat-token", { detail: why })));
    document.addEventListener("visibilitychange", () => this.seen(), { signal: this.wire.ending.signal });
    this.refresh();
  }

  // Once: who we are and what was said; then the stream. Offline it is tried again until it goes.
  begin() {
    const wire = this.wire;
    this.begun ??= (async () => {
      for (let tries = 0; wire === this.wire; tries += 1) {
        try {
          await wire.hello();
          wire.online(true);
          if (kept.get("known") || this.items.size || wire.box) wire.listen();
          wire.flush();
          return;
        } catch (error) {
          if (error instanceof Refused && error.status < 500 && error.status !== 429) {
            console.warn(`Wasl chat: ${error.message}`);
          }
          wire.online(error instanceof Refused);
          await new Promise((done) => setTimeout(done, PAUSES[Math.min(tries, PAUSES.length - 1)]));
        }
      }
    })();
  }

  take(items) {
    for (const item of items) this.items.set(item.id, item);
    this.refresh();
  }

  async refresh() {
    const wire = this.wire;
    const mine = (await wire?.mine()) ?? [];
    if (wire !== this.wire || !wire) return;
    const there = new Set([...this.items.values()].map((item) => item.own));
    this.mine = mine.filter((entry) => !there.has(entry.id));
    this.paint();
  }

  stands(standing) {
    this.stand = standing;
    this.paint();
  }

  // Whoever was answered a moment ago has somebody there, whatever the hours say.
  standingNow(items) {
    const answered = items.findLast((item) => item.way === "out" && item.by);
    if (answered && Date.now() - new Date(answered.at) < FRESH) return "live";
    return this.stand?.state;
  }

  saysWhen(items) {
    const { opens, usual } = this.stand ?? {};
    const state = (this.state = this.standingNow(items));
    // Without a line nobody knows whether anybody is there.
    if (!state || this.wire?.connected === false) return void ((this.standing.className = "standing"), (this.standing.textContent = ""));
    const at = opens ? new Date(opens) : null;
    let words = this.say(state);
    if (state === "later") words = at ? this.say("later", { when: opening(at, this.language) }) : this.say("away");
    else if (state === "soon" && usual) words = this.say("usual", { time: lasting(usual, this.language) });
    this.standing.className = `standing ${state}`;
    if (this.standing.textContent !== words) this.standing.textContent = words;
  }

  // Showing -------------------------------------------------------------------------------------------------------

  get isOpen() {
    return !this.panel.hidden;
  }

  show(open) {
    if (open === this.isOpen) return;
    this.panel.hidden = !open;
    this.launcher.setAttribute("aria-expanded", String(open));
    this.toggleAttribute("open", open);
    if (!open) return this.launcher.focus();
    this.begin();
    this.paint();
    this.log.scrollTop = this.log.scrollHeight;
    if (this.calls.shown) this.calls.show(true);
    else if (this.bell.shown) this.bell.show(true);
    else this.field.focus();
  }

  // Before somebody signs out at the host site: this device is not to ring for them any more.
  async forget() {
    await this.bell?.mute();
  }

  paint() {
    const items = [...this.items.values()].sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : one.id < other.id ? -1 : 1));
    this.saysWhen(items);
    const last = this.mine.length ? null : items.at(-1);
    const lines = [...items.map((item) => this.line(item, item === last)), ...this.mine.map((entry) => this.own(entry))];
    const near = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR;
    this.match(lines);
    const wrote = this.mine.length > 0 || items.some((item) => item.way === "in");
    const left = kept.get("email") || items.some((item) => item.kind === "address");
    this.leave.hidden = !wrote || Boolean(left) || this.state === "live" || this.state === undefined || Boolean(this.verified);
    const cut = this.wire?.connected === false;
    this.notice.hidden = !(cut || this.trouble);
    const words = this.trouble || (cut ? this.say("offline") : "");
    if (this.notice.textContent !== words) this.notice.textContent = words;
    if (near) this.log.scrollTop = this.log.scrollHeight;
    this.seen();
  }

  // Only what changed is put anew, so that a screen reader says it once and nothing jumps.
  match(lines) {
    const there = new Map([...this.list.children].map((child) => [child.dataset.key, child]));
    const once = new Map(); // what the stream and the history both bring is shown once
    for (const line of lines) if (!once.has(line.key)) once.set(line.key, line);
    let at = this.list.firstElementChild;
    for (const { key, sign, draw } of once.values()) {
      let child = there.get(key);
      there.delete(key);
      if (child && child.dataset.sign !== sign) {
        const fresh = draw();
        if (at === child) at = fresh;
        child.replaceWith(fresh);
        child = fresh;
      }
      child ??= draw();
      Object.assign(child.dataset, { key, sign });
      if (child === at) at = at.nextElementSibling;
      else this.list.insertBefore(child, at);
    }
    for (const gone of there.values()) gone.remove();
  }

  line(item, last) {
    const mine = item.way === "in";
    const key = item.own || item.id;
    return { key, sign: `${JSON.stringify(item)}${last}`, draw: () => {
      const words = item.kind === "address" ? this.say("left", { email: item.text }) : item.text;
      const by = mine ? this.say("you") : (item.by ?? "").split(" ")[0] || OWN.title;
      const about = node("p.about", {}, node("bdi", {}, by), node("time", { datetime: item.at }, clock(new Date(item.at), this.language)), ...(mine ? [svg("check")] : []));
      const files = (item.files ?? []).map((file) => this.file(file, item.files));
      const choices = last && !mine && item.choices?.length ? this.choices(item) : null;
      const body = words ? node(`div.bubble${item.kind === "address" ? ".aside" : ""}`, { dir: "auto" }, ...linked(words, this.say("newtab"))) : null;
      return node(`article.msg${mine ? ".mine" : ""}`, {}, ...files, body, choices, about);
    } };
  }

  choices(item) {
    const press = ([key, title]) => () => this.wire.write({ text: title, choice: { key, title }, answers: item.ref, page: this.page() });
    return node("div.choices", {}, ...item.choices.map((each) => node("button", { type: "button", dir: "auto", onclick: press(each) }, each[1])));
  }

  file(file, all) {
    const words = [node("bdi", {}, file.name), node("small", {}, sized(file.size, this.language))];
    const more = { href: HERE + file.link, target: "_blank", rel: "noopener", "aria-description": this.say("newtab") };
    const set = file.picture && all.filter((each) => each.picture).length > 1;
    if (set || /^model\//.test(file.type)) more.onclick = (event) => this.look(event, file, all);
    if (!file.picture) return node("a.file", more, svg("doc"), ...words);
    const picture = node("img", { src: HERE + file.link, alt: file.name, loading: "lazy" });
    picture.onload = () => this.settle();
    return node("a.picture", more, picture);
  }

  // 3D models, and several pictures at once, in a viewer that is loaded now.
  look(event, file, all) {
    event.preventDefault();
    const away = () => open(HERE + file.link, "_blank", "noopener");
    import(`${HERE}/static/js/view/chat.js`).then(({ show }) => show(file, all, HERE, this.language)).catch(away);
  }

  // What is on its way.
  own(entry) {
    const states = { waiting: ["clock", this.wire?.connected === false ? "waiting" : "sending"], sent: ["check", "sent"], failed: ["alert", "failed"] };
    const [icon, words] = states[entry.state];
    return { key: entry.id, sign: entry.state + words + entry.why, draw: () => {
      const body = entry.name
        ? node("span.file", {}, svg("doc"), node("bdi", {}, entry.name))
        : node(`div.bubble${entry.email ? ".aside" : ""}`, { dir: "auto" }, entry.email ? this.say("left", { email: entry.email }) : entry.text);
      const failed = entry.state === "failed";
      const acts = failed ? [node("button.link", { type: "button", onclick: () => this.wire.retry(entry.id) }, this.say("again")), node("button.link", { type: "button", onclick: () => this.wire.discard(entry.id) }, this.say("discard"))] : [];
      const about = node("p.about", {}, svg(icon), this.say(words), ...acts);
      return node(`article.msg.mine.${entry.state}`, {}, body, failed && entry.why ? node("p.why", {}, entry.why) : null, about);
    } };
  }

  settle() {
    if (this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 320) this.log.scrollTop = this.log.scrollHeight;
  }

  // What was seen is said; what was not is counted.
  seen() {
    const looking = this.isOpen && !document.hidden && !this.log.hidden;
    let unread = this.isOpen ? 0 : this.bell.unread;
    for (const item of this.items.values()) {
      if (item.way !== "out" || item.state === "read" || this.wire?.said.has(`read${item.ref}`)) continue;
      if (looking) this.wire?.hear("read", item.ref);
      else unread += 1;
      if (!looking && item.state === "sent") this.wire?.hear("delivered", item.ref);
    }
    this.badge.hidden = !unread;
    this.badge.textContent = new Intl.NumberFormat(numbered(this.language)).format(unread);
    this.launcher.setAttribute("aria-label", this.say(unread ? "unread" : "launch"));
  }

  // Writing -------------------------------------------------------------------------------------------------------

  keys(event) {
    if (event.key === "Escape") return this.show(false);
    if (event.key === "Enter" && event.target === this.field && !event.shiftKey && !event.isComposing) this.send(event);
  }

  typed() {
    this.field.style.blockSize = "auto";
    this.field.style.blockSize = `${Math.min(this.field.scrollHeight + 2, 140)}px`;
    this.trouble = "";
    this.notice.hidden = this.wire.connected !== false;
    if (this.mine.length || this.items.size) this.wire.typing(Boolean(this.field.value));
  }

  page() {
    return { url: location.href.slice(0, 2000), title: document.title.slice(0, 300) };
  }

  async send(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text) return this.field.focus();
    this.field.value = "";
    this.typed();
    this.wire.typing(false);
    this.log.scrollTop = this.log.scrollHeight;
    await this.wire.write({ text, page: this.page() });
    this.log.scrollTop = this.log.scrollHeight;
    this.field.focus();
  }

  pasted(event) {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    this.attach(files);
  }

  picked() {
    this.attach([...this.picker.files]);
    this.picker.value = "";
  }

  async attach(files) {
    this.trouble = "";
    for (const file of files.slice(0, 10)) {
      if (file.size > FILE_LIMIT) this.trouble = this.say("large", { size: Math.floor(FILE_LIMIT / 1e6) });
      else await this.wire.write({ file: new Blob([file], { type: file.type }), name: file.name });
    }
    this.paint();
    this.log.scrollTop = this.log.scrollHeight;
  }
}

if (!customElements.get("wasl-chat")) {
  const script = document.currentScript;
  customElements.define("wasl-chat", WaslChat);
  // One tag is enough: without an element of its own the page gets one, with what the tag says of it.
  const ready = () => {
    if (document.querySelector("wasl-chat")) return;
    const element = document.createElement("wasl-chat");
    for (const name of ["language", "theme", "token", "worker"]) if (script.dataset[name]) element.setAttribute(name, script.dataset[name]);
    document.body.append(element);
  };
  if (document.body && document.readyState !== "loading") ready();
  else addEventListener("DOMContentLoaded", ready);
}

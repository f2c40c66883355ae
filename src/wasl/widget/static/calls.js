// Asking for a call-back: times at which somebody is there, a number, and what was agreed. The wish goes as a message.

class Calls {
  constructor(chat) {
    this.chat = chat;
    this.key = uuid(); // the same until it got through: sent twice, it is one wish
    this.button = node("button.bare.belled", { type: "button", hidden: !OWN.calls, "aria-pressed": "false", "aria-label": chat.say("call"), onclick: () => this.show(!this.shown) }, svg("phone"));
    this.view = node("div.scroll.calls", { role: "region", tabindex: "0", "aria-label": chat.say("call"), hidden: true });
  }

  get wire() {
    return this.chat.wire;
  }

  get shown() {
    return !this.view.hidden;
  }

  show(open) {
    if (open && this.chat.bell.shown) this.chat.bell.show(false);
    this.view.hidden = !open;
    this.chat.log.hidden = this.chat.below.hidden = open;
    this.button.setAttribute("aria-pressed", String(open));
    if (!open) {
      this.chat.paint();
      return this.chat.field.focus();
    }
    this.view.focus();
    this.look();
  }

  // What can be chosen now; `done` says what has just been done.
  async look(done = "") {
    const { chat } = this;
    if (!done) this.view.replaceChildren(node("p.empty", { role: "status" }, chat.say("loading")));
    try {
      this.draw(await this.wire.ask("/call"), done);
    } catch {
      const again = node("button.link", { type: "button", onclick: () => this.look(done) }, chat.say("again"));
      this.view.replaceChildren(...this.said(done), node("p.notice", { role: "alert" }, chat.say("unsaid"), " ", again), this.back());
    }
  }

  said(words) {
    return words ? [node("p.done", { role: "status" }, svg("check"), node("span", { dir: "auto" }, words))] : [];
  }

  back() {
    return node("button.link", { type: "button", onclick: () => this.show(false) }, this.chat.say("back"));
  }

  draw({ times, number, agreed }, done) {
    const { chat } = this;
    const parts = this.said(done || (agreed && chat.say("agreed", { when: agreed })));
    if (agreed) parts.push(node("button.plain", { type: "button", onclick: () => this.withdraw() }, chat.say("nocall")));
    if (times.length && !(done && agreed)) parts.push(this.form(times, number, agreed));
    else if (!agreed) parts.push(node("p.empty", {}, chat.say("nobody")));
    this.view.replaceChildren(...parts, this.back());
  }

  form(times, number, agreed) {
    const { chat } = this;
    const options = times.map(([value, text]) => node("label.time", {}, node("input", { type: "radio", name: "start", value, required: true }), node("span", {}, text)));
    this.field = node("input", { type: "tel", name: "number", dir: "ltr", autocomplete: "tel", maxlength: "40", required: !number, placeholder: "+…" });
    this.trouble = node("p.notice", { role: "alert", hidden: true });
    return node("form.call", { onsubmit: (event) => this.send(event) },
      node("fieldset", {}, node("legend", {}, chat.say(agreed ? "another" : "times")), ...options),
      node("label.number", {}, node("span", {}, chat.say("number")), this.field, number ? node("small", {}, chat.say("known", { end: number })) : null),
      this.trouble, node("button.primary", { type: "submit" }, chat.say(agreed ? "move" : "callme")));
  }

  async send(event) {
    event.preventDefault();
    const said = new FormData(event.target);
    await this.attempt(async () => {
      const { when } = await this.wire.ask("/call/ask", { body: { id: this.key, at: Date.now(), start: said.get("start"), number: said.get("number") } });
      this.key = uuid();
      kept.put("known", "yes");
      this.wire.listen();
      this.view.replaceChildren(...this.said(this.chat.say("thanks", { when })), this.back());
      this.view.focus();
    });
  }

  async withdraw() {
    await this.attempt(async () => {
      await this.wire.ask("/call/withdraw", { body: {} });
      await this.look(this.chat.say("off"));
      this.view.focus();
    });
  }

  // Nothing is lost when it fails: what was chosen still stands there.
  async attempt(work) {
    if (this.busy) return;
    this.busy = true;
    try {
      await work();
    } catch (error) {
      const words = error instanceof Refused && error.status < 500 && error.message ? error.message : this.chat.say("unsaid");
      if (!this.trouble?.isConnected) this.view.append((this.trouble = node("p.notice", { role: "alert" })));
      this.trouble.textContent = words;
      this.trouble.hidden = false;
    } finally {
      this.busy = false;
    }
  }
}

// A 3D model to turn and look at. Loaded when somebody opens one.

import { Painter } from "./draw.js";
import { Broken, read, Unsupported } from "./gltf.js";
import { make, sheet } from "./frame.js";

const START = { turn: 0.6, tilt: 0.35, near: 1 };
const STEP = Math.PI / 12;
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// {drawn, apple, keep, poster, scene, name, language}: addresses, '' for what there is not.
export async function show(model) {
  const { main, foot, say, closed } = await sheet(model.name, model.language);
  const note = make("p", { role: "status" }, say("loading")), veil = make("div", { class: "said" }, note);
  const poster = model.poster ? make("img", { src: model.poster, alt: say("model", { name: model.name }) }) : null;
  if (poster) main.append(poster);
  main.append(veil);
  foot.append(...ways(model, say));
  if (!model.drawn) return note.replaceChildren(say("elsewhere"));
  try {
    const canvas = make("canvas", { tabindex: "0", role: "img", "aria-label": say("model", { name: model.name }), "aria-describedby": "help" });
    const painter = painted(canvas);
    closed.addEventListener("abort", () => painter.close());
    await painter.load(read(await fetched(model.drawn, closed)));
    if (closed.aborted) return;
    main.replaceChildren(canvas, veil);
    veil.hidden = true;
    foot.prepend(...new Stage(canvas, painter, closed).controls(say), make("p", { id: "help" }, say("help")));
    canvas.focus();
    canvas.addEventListener("webglcontextlost", () => { veil.hidden = closed.aborted; note.replaceChildren(say("broken")); });
  } catch (error) {
    if (closed.aborted) return;
    note.replaceChildren(say(error instanceof Unsupported ? "unsupported" : error instanceof Broken ? "broken" : error.name === "Old" ? "old" : "away"));
    console.info(`model: ${error.name} ${error.message}`);
  }
}

function painted(canvas) {
  try {
    return new Painter(canvas);
  } catch (error) {
    error.name = "Old";
    throw error;
  }
}

async function fetched(address, signal) {
  const answer = await fetch(address, { signal, referrerPolicy: "no-referrer" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.arrayBuffer();
}

// The phone's own viewer where it has one, and the file.
function ways({ apple, scene, keep, poster, name }, say) {
  const made = [];
  if (apple && make("a").relList.supports("ar")) made.push(make("a", { class: "act", rel: "ar", href: apple }, make("img", { src: poster || null, alt: "" }), say("room")));
  else if (scene && /android/i.test(navigator.userAgent)) made.push(make("a", { class: "act", href: intent(scene, name) }, say("room")));
  if (keep) made.push(make("a", { class: "act", href: keep, download: "" }, say("keep")));
  return made;
}

// Android's Scene Viewer, which fetches the model by itself: developers.google.com describes the intent.
function intent(file, title) {
  const asked = new URLSearchParams({ file: new URL(file, location.href).href, mode: "ar_preferred", title });
  const back = encodeURIComponent(location.href.split("#")[0]);
  return `intent:${"//"}arvr.google.com/scene-viewer/1.0?${asked}#Intent;scheme=https;package=com.google.android.googlequicksearchbox;action=android.intent.action.VIEW;S.browser_fallback_url=${back};end;`;
}

// Turning, by pointers, keys and buttons.
class Stage {
  constructor(canvas, painter, closed) {
    Object.assign(this, { canvas, painter, pose: { ...START }, down: new Map(), asked: 0 });
    canvas.onpointerdown = (event) => this.press(event);
    canvas.onpointermove = (event) => this.move(event);
    canvas.onpointerup = canvas.onpointercancel = (event) => this.down.delete(event.pointerId);
    canvas.addEventListener("wheel", (event) => { event.preventDefault(); this.zoom(Math.exp(-event.deltaY / 400)); }, { passive: false });
    canvas.onkeydown = (event) => this.key(event);
    const sized = new ResizeObserver(() => this.fit());
    sized.observe(canvas);
    closed.addEventListener("abort", () => { sized.disconnect(); cancelAnimationFrame(this.asked); });
    this.fit();
    if (!calm()) this.enter(performance.now());
  }

  // It comes round once, and then stands.
  enter(began) {
    const gone = Math.min(1, (performance.now() - began) / 1200);
    if (this.touched) return;
    this.pose.turn = START.turn - 0.8 * (1 - gone) ** 3;
    this.painter.draw(this.pose);
    if (gone < 1) this.asked = requestAnimationFrame(() => this.enter(began));
  }

  fit() {
    const scale = Math.min(devicePixelRatio, 2);
    this.canvas.width = Math.max(1, this.canvas.clientWidth * scale);
    this.canvas.height = Math.max(1, this.canvas.clientHeight * scale);
    this.painter.draw(this.pose);
  }

  change(turn, tilt, near = 1) {
    this.touched = true;
    this.pose.turn += turn;
    this.pose.tilt = Math.min(1.5, Math.max(-1.5, this.pose.tilt + tilt));
    this.pose.near = Math.min(8, Math.max(0.3, this.pose.near * near));
    cancelAnimationFrame(this.asked);
    this.asked = requestAnimationFrame(() => this.painter.draw(this.pose));
  }

  zoom(by) {
    this.change(0, 0, by);
  }

  reset() {
    this.pose = { ...START };
    this.change(0, 0);
  }

  press(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, [event.clientX, event.clientY]);
  }

  // One finger turns it, two come nearer.
  move(event) {
    const before = this.down.get(event.pointerId);
    if (!before) return;
    const wide = this.apart();
    this.down.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.down.size === 1) this.change((before[0] - event.clientX) / 120, (event.clientY - before[1]) / 120);
    else if (wide) this.zoom(this.apart() / wide);
  }

  apart() {
    const [one, other] = [...this.down.values()];
    return other ? Math.hypot(one[0] - other[0], one[1] - other[1]) : 0;
  }

  key(event) {
    const does = {
      ArrowLeft: () => this.change(-STEP, 0), ArrowRight: () => this.change(STEP, 0), ArrowUp: () => this.change(0, STEP), ArrowDown: () => this.change(0, -STEP),
      "+": () => this.zoom(1.25), "=": () => this.zoom(1.25), "-": () => this.zoom(0.8), 0: () => this.reset(), Home: () => this.reset(),
    }[event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    does();
  }

  controls(say) {
    const button = (name, sign, onclick) => make("button", { type: "button", "aria-label": say(name), title: say(name), onclick }, sign);
    return [button("nearer", "+", () => this.zoom(1.25)), button("further", "−", () => this.zoom(0.8)), button("reset", "⟲", () => this.reset())];
  }
}

// The pictures of one message, one after the other. Loaded when somebody opens one.

import { make, sheet } from "./frame.js";

const SWIPE = 48; // pixels

// pictures: [{src, name}], beginning with the one at `at`.
export async function show({ pictures, at = 0, language }) {
  const { dialog, main, foot, say } = await sheet(pictures[at].name, language);
  const picture = make("img", { alt: "" }), count = make("p", { role: "status" });
  const onwards = dialog.dir === "rtl" ? -1 : 1;
  const turn = (by) => {
    at = Math.min(pictures.length - 1, Math.max(0, at + by));
    const { src, name } = pictures[at];
    picture.src = src;
    picture.alt = name;
    dialog.querySelector("h2 > bdi").textContent = name;
    count.textContent = say("count", { n: at + 1, all: pictures.length });
    back.disabled = at === 0;
    next.disabled = at === pictures.length - 1;
  };
  const button = (name, sign, by) => make("button", { type: "button", "aria-label": say(name), onclick: () => turn(by) }, sign);
  const back = button("previous", onwards > 0 ? "←" : "→", -1), next = button("next", onwards > 0 ? "→" : "←", 1);
  dialog.onkeydown = (event) => {
    event.stopPropagation();
    const by = { ArrowRight: onwards, ArrowLeft: -onwards, Home: -pictures.length, End: pictures.length }[event.key];
    if (by) turn(by);
  };
  let began = null;
  main.onpointerdown = (event) => { began = event.clientX; };
  main.onpointerup = (event) => {
    const moved = began === null ? 0 : event.clientX - began;
    began = null;
    if (Math.abs(moved) > SWIPE) turn(moved < 0 ? onwards : -onwards);
  };
  picture.draggable = false;
  main.append(picture);
  main.style.touchAction = "pan-y";
  foot.append(count, back, next);
  turn(0);
}

// The calendar's page: shifts and holidays come and go, and each day's bar follows what is typed.

const form = document.getElementById("calendar");
const SVG = "http://www.w3.org/2000/svg", DAY = 1440;

// 9, 930, 9:30, 9h30 and 09.30 are all understood; digits of either system.
function minute(field) {
  const typed = field.value.trim().replace(/[٠-٩]/g, (d) => "٠١٢٣٤٥٦٧٨٩".indexOf(d));
  const found = typed.match(/^(\d{1,2})(?:\D+(\d{1,2})|(\d{2}))?\D*$/);
  if (!found) return NaN;
  const hour = Number(found[1]), rest = Number(found[2] ?? found[3] ?? 0);
  return hour < 24 && rest < 60 ? hour * 60 + rest : hour === 24 && !rest ? DAY : NaN;
}

function tidy(field) {
  const at = minute(field);
  field.toggleAttribute("aria-invalid", Boolean(field.value.trim()) && Number.isNaN(at));
  if (!Number.isNaN(at)) field.value = `${Math.floor(at / 60)}`.padStart(2, "0") + ":" + `${at % 60}`.padStart(2, "0");
}

// The bars of all days are drawn together: a shift over midnight ends on the next one.
function draw() {
  const days = [...form.querySelectorAll(".weekrow")];
  const spans = days.map(() => []);
  days.forEach((day, number) => {
    for (const shift of day.querySelectorAll(".shifts .shift")) {
      const [from, to] = [...shift.querySelectorAll("input")].map(minute);
      if (Number.isNaN(from) || Number.isNaN(to)) continue;
      if (from === DAY) continue;
      spans[number].push([from, to > from ? to : DAY]);
      if (to <= from && to > 0) spans[(number + 1) % 7].push([0, to]);
    }
  });
  days.forEach((day, number) => {
    const bar = day.querySelector(".daybar");
    bar.querySelectorAll(".open").forEach((old) => old.remove());
    for (const [from, to] of spans[number]) {
      const open = document.createElementNS(SVG, "rect");
      open.setAttribute("class", "open");
      open.setAttribute("x", from);
      open.setAttribute("width", to - from);
      open.setAttribute("height", 10);
      bar.append(open);
    }
    day.querySelector(".closed").hidden = day.querySelector(".shifts .shift") !== null;
  });
}

function addShift(day, from = "", to = "") {
  const fresh = day.querySelector("template").content.cloneNode(true);
  const fields = fresh.querySelectorAll("input");
  [fields[0].value, fields[1].value] = [from, to];
  day.querySelector(".closed").before(fresh);
  return fields[0];
}

function copy(monday) {
  const shifts = [...monday.querySelectorAll(".shifts .shift")].map((s) => [...s.querySelectorAll("input")].map((f) => f.value));
  for (const day of form.querySelectorAll(".weekrow")) {
    const number = Number(day.dataset.day);
    if (number < 1 || number > 4) continue;
    day.querySelectorAll(".shifts .shift").forEach((old) => old.remove());
    for (const [from, to] of shifts) addShift(day, from, to);
  }
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const day = button.closest(".weekrow");
  if (button.dataset.add === "shift") addShift(day).focus();
  else if (button.dataset.add === "holiday") {
    form.querySelector(".holidays").append(document.getElementById("a-holiday").content.cloneNode(true));
    form.querySelector(".holiday:last-child input").focus();
  } else if (button.dataset.drop) {
    const list = button.closest(".shifts, .holidays");
    button.closest(`.${button.dataset.drop}`).remove();
    (list.querySelector("input") ?? day?.querySelector("[data-add]") ?? form.querySelector("[data-add=holiday]")).focus();
  } else if ("copy" in button.dataset) copy(day);
  else return;
  draw();
});
form.addEventListener("input", draw);
form.addEventListener("change", (event) => {
  if (event.target.closest(".shift")) tidy(event.target);
});
draw();

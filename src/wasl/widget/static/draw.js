// Drawing: small pieces of the page, built as nodes. Nothing that somebody wrote is ever read as markup.

const SHAPES = {
  chat: "M4 5.5A2.5 2.5 0 0 1 6.5 3h11A2.5 2.5 0 0 1 20 5.5v8a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5Z",
  down: "m6 9 6 6 6-6",
  send: "M5 12h13m-5.5-6 6 6-6 6",
  clip: "m8 12.5 6-6a2.8 2.8 0 0 1 4 4l-8 8a4.6 4.6 0 0 1-6.5-6.5l7.5-7.5",
  doc: "M7 3h7l4 4v14H7zM14 3v4h4",
  check: "m5 12.5 4.5 4.5L19 7.5",
  clock: "M12 7.5V12l3 2m6-2a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z",
  alert: "M12 8v5m0 3.5v.01M12 3.5 2.5 20h19Z",
  bell: "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15ZM10 20.5h4",
  phone: "M6.5 3.5h3l1.5 4-2 1.6a11 11 0 0 0 5.9 5.9l1.6-2 4 1.5v3a2 2 0 0 1-2.2 2A16.5 16.5 0 0 1 4.5 5.7a2 2 0 0 1 2-2.2Z",
  mail: "M3.5 6.5h17v11h-17zm0 1 8.5 6 8.5-6",
};

function svg(name, mirrored = false) {
  const space = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[name]);
  drawn.setAttribute("viewBox", "0 0 24 24");
  drawn.setAttribute("aria-hidden", "true");
  drawn.classList.add("icon", ...(mirrored ? ["mirrored"] : []));
  drawn.append(path);
  return drawn;
}

// node("button.big", {type: "button", onclick}, child, "text"): attributes, handlers by their `on…` names, children.
function node(name, more = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.classList.add(...classes);
  for (const [key, value] of Object.entries(more)) {
    if (key.startsWith("on")) made[key] = value;
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((each) => each != null && each !== ""));
  return made;
}

const filled = (text, values = {}) => text.replace(/%\((\w+)\)s/g, (_, name) => `\u2068${values[name] ?? ""}\u2069`);

// Words with the addresses in them as links; a full stop behind one is not its own.
function linked(text, newtab) {
  return text.split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]،؛؟])/).map((part, at) =>
    at % 2 ? node("a", { href: part, target: "_blank", rel: "noopener noreferrer", "aria-description": newtab }, part) : part,
  );
}

function clock(at, language) {
  const today = new Date().toDateString() === at.toDateString();
  const how = today ? { timeStyle: "short" } : { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" };
  return new Intl.DateTimeFormat(numbered(language), how).format(at);
}

// The next opening as one would say it: with the day unless it is today.
function opening(at, language) {
  const today = new Date().toDateString() === at.toDateString();
  const near = at - Date.now() < 6 * 86400000;
  const day = today ? {} : near ? { weekday: "long" } : { weekday: "long", day: "numeric", month: "long" };
  return new Intl.DateTimeFormat(numbered(language), { ...day, hour: "numeric", minute: "2-digit" }).format(at);
}

// Dates and hours as the business itself writes them in this language.
const numbered = (language) => `${language === "en" ? "en-GB" : language}-u-hc-h23-nu-latn`;

// "30 minutes", "2 hours", "1 day", in the language's own plural.
function lasting(seconds, language) {
  const [value, unit] = seconds < 3600 ? [seconds / 60, "minute"] : seconds < 86400 ? [seconds / 3600, "hour"] : [seconds / 86400, "day"];
  return new Intl.NumberFormat(numbered(language), { style: "unit", unit, unitDisplay: "long" }).format(value);
}

function sized(bytes, language) {
  const [value, unit] = bytes < 1e6 ? [Math.max(1, bytes / 1e3), "kilobyte"] : [bytes / 1e6, "megabyte"];
  const how = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: value < 10 && unit === "megabyte" ? 1 : 0 };
  return new Intl.NumberFormat(numbered(language), how).format(value);
}

// Black or white, whichever stands out on that colour (WCAG 2.2, relative luminance).
function onColour(colour) {
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
  const [r, g, b] = parts.map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

// Texts that the server wrote into the page for its scripts, in the reader's language and digits.

const words = () => document.getElementById("words").dataset;

export function say(name, values = {}) {
  return Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, value), words()[name] ?? "");
}

export function digits(number) {
  const shown = words().digits;
  return String(number).replace(/[0-9]/g, (digit) => [...shown][digit]);
}

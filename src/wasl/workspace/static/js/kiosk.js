// The kiosk: a code is read by the camera where the browser can, and after a while it is the next one's turn.

const BACK = 20_000, IDLE = 60_000, LOOK = 250;
const ticket = document.querySelector("[data-back]");
const who = document.getElementById("who"), button = document.getElementById("camera"), seen = document.getElementById("seen");
const form = document.querySelector(".kiosk-form");
let idle = 0, stream = null;

if (ticket) setTimeout(() => location.replace(ticket.dataset.back), BACK);

// What somebody began and left is not for the next one to see.
function rest() {
  clearTimeout(idle);
  if (form) idle = setTimeout(() => location.replace(form.action), IDLE);
}
for (const kind of ["pointerdown", "keydown", "input"]) document.addEventListener(kind, rest);
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  seen.hidden = true;
}

async function look(detector) {
  while (stream) {
    const found = await detector.detect(seen).catch(() => []);
    if (found[0]) {
      who.value = found[0].rawValue.trim();
      stop();
      if (form.reportValidity()) form.requestSubmit();
      return;
    }
    await new Promise((over) => setTimeout(over, LOOK));
    rest();
  }
}

async function open() {
  if (stream) { stop(); return; }
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
  } catch {
    button.hidden = true; // refused, or there is none: typing remains
    return;
  }
  seen.srcObject = stream;
  seen.hidden = false;
  await seen.play();
  look(new BarcodeDetector({ formats: ["qr_code"] }));
}

const formats = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats() : [];
if (button && formats.includes("qr_code") && navigator.mediaDevices) {
  button.hidden = false;
  button.addEventListener("click", open);
}

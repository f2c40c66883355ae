// Web push and the service worker. On the page of notices: an element with data-push (data-key, data-address) holds
// data-push-words (its texts) and data-push-turn (the button).

const box = () => document.querySelector("[data-push]");

async function registration() {
  return navigator.serviceWorker ? navigator.serviceWorker.register("/sw.js", { scope: "/" }) : null;
}

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

async function tell(body) {
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  const answer = await fetch(box().dataset.address, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
}

function show(state, can = true) {
  const words = box().querySelector("[data-push-words]");
  const button = box().querySelector("[data-push-turn]");
  words.textContent = words.dataset[state];
  button.hidden = !can;
  button.textContent = button.dataset[state === "on" ? "on" : "off"];
}

async function standing() {
  const worker = "PushManager" in globalThis ? await registration() : null;
  if (!worker) return show("never", false);
  if (Notification.permission === "denied") return show("denied", false);
  const subscribed = await worker.pushManager.getSubscription();
  return show(subscribed ? "on" : "off");
}

async function turn() {
  const worker = await registration();
  const present = await worker.pushManager.getSubscription();
  if (present) {
    await tell({ endpoint: present.endpoint });
    await present.unsubscribe();
  } else {
    if ((await Notification.requestPermission()) !== "granted") return standing();
    const made = await worker.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: bytes(box().dataset.key),
    });
    await tell(made.toJSON());
  }
  return standing();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-push-turn]");
  if (!button) return;
  button.disabled = true;
  turn()
    .catch(() => show("failed"))
    .finally(() => {
      button.disabled = false;
    });
});

if (box()) standing().catch(() => show("never", false));
else registration().catch(() => {}); // without it everything works, but nothing is shown while offline

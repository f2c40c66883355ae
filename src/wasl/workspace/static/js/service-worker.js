// The service worker: rings for web push, and shows a page of our own while the server cannot be reached.

const CACHE = "wasl-offline";
const PAGE = "/offline";

async function keep() {
  const cache = await caches.open(CACHE);
  const answer = await fetch(PAGE, { cache: "reload" });
  const text = await answer.clone().text();
  await cache.put(PAGE, answer);
  await cache.addAll([...text.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)].map((found) => found[1]));
}

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function shown(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(PAGE)) ?? Response.error();
  }
}

async function found(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(request)) ?? Response.error();
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate") event.respondWith(shown(request));
  else if (new URL(request.url).pathname.startsWith("/static/") && request.method === "GET") {
    event.respondWith(found(request));
  }
});

self.addEventListener("push", (event) => {
  const said = event.data?.json() ?? {};
  event.waitUntil(
    self.registration.showNotification(said.title ?? "Wasl", {
      body: said.body,
      tag: said.tag,
      lang: said.lang,
      dir: said.dir,
      renotify: Boolean(said.tag),
      icon: "/static/icons/wasl-192.png",
      data: { href: said.href ?? "/" },
    }),
  );
});

async function open(href) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const here = pages.find((page) => new URL(page.url).origin === self.location.origin);
  if (!here) return self.clients.openWindow(href);
  await here.focus();
  return here.navigate(href);
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.href));
});

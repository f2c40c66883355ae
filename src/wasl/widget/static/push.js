// Imported by a service worker of the host site: shows a notice that was pushed, and opens its page when it is touched.
self.addEventListener("push", (event) => {
  let said = {};
  try {
    said = event.data.json();
  } catch {
    return;
  }
  const shown = self.registration.showNotification(String(said.title || ""), {
    body: String(said.body || ""),
    tag: String(said.tag || "wasl"),
    lang: String(said.lang || ""),
    dir: said.lang === "ar" ? "rtl" : "auto",
    data: { page: String(said.page || "") },
  });
  if ("setAppBadge" in navigator && said.unread) navigator.setAppBadge(said.unread).catch(() => null);
  event.waitUntil(shown);
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const open = async () => {
    const wanted = new URL(event.notification.data?.page || "/", self.location.origin);
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const there = pages.find((page) => new URL(page.url).pathname === wanted.pathname) ?? pages[0];
    if (there && wanted.origin === self.location.origin) return there.focus();
    return self.clients.openWindow(wanted.href);
  };
  event.waitUntil(open());
});

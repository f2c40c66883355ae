// On our own pages: a click on a model's poster or on a picture of a set opens its viewer, which is loaded then. Without
// scripts the same click leads to the file.

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[data-model], .set > a");
  if (!link) return;
  event.preventDefault();
  (link.matches("[data-model]") ? model(link) : gallery(link)).catch(() => { location.href = link.href; });
});

const language = () => document.documentElement.lang || "en";

async function model(link) {
  const { drawn, apple, scene, model: name } = link.dataset;
  const { show } = await import("./model.js");
  await show({ drawn, apple, scene, name, keep: link.href, poster: link.querySelector("img")?.src ?? "", language: language() });
}

async function gallery(link) {
  const all = [...link.parentElement.querySelectorAll(":scope > a")];
  const pictures = all.map((each) => ({ src: each.href, name: each.querySelector("img").alt }));
  const { show } = await import("./gallery.js");
  await show({ pictures, at: all.indexOf(link), language: language() });
}

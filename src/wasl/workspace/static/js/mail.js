// A message shown in a frame of its own takes the height of what it holds, also as pictures arrive.

function fit(frame) {
  const page = frame.contentDocument?.documentElement;
  if (page) frame.style.blockSize = `${Math.ceil(page.getBoundingClientRect().height)}px`;
}

document.addEventListener("load", (event) => {
  const frame = event.target;
  if (!frame.matches?.("iframe.mail")) return;
  fit(frame);
  const body = frame.contentDocument?.body;
  if (body) new ResizeObserver(() => fit(frame)).observe(body);
}, true);
for (const frame of document.querySelectorAll("iframe.mail")) fit(frame);

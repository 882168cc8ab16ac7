import init from "./web.js";

// In its test, the page notes how long it could not answer, from its first moment on.
if (new URLSearchParams(location.search).has("test")) {
  let last = performance.now();
  window.gaps = [];
  setInterval(() => {
    const now = performance.now();
    window.gaps.push([last, now - last]);
    last = now;
  }, 5);
}

init();

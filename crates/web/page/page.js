import init, { open_page } from "./web.js";

const isTest = new URLSearchParams(location.search).has("test");

// In its test, the page notes how long it could not answer, from its first moment on.
if (isTest) {
  let last = performance.now();
  window.gaps = [];
  window.tasks = [];
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.tasks.push([task.startTime, task.duration]);
  }).observe({ type: "longtask", buffered: true });
  setInterval(() => {
    const now = performance.now();
    window.gaps.push([last, now - last]);
    last = now;
  }, 5);
}

// What nobody has foreseen is shown too, and told to the test.
function fail(reason) {
  const notice = document.getElementById("notice");
  notice.textContent = `The page cannot go on: ${reason}`;
  notice.hidden = false;
  if (isTest) {
    fetch("/result", { method: "POST", body: JSON.stringify({ failure: notice.textContent }) });
  }
}
addEventListener("error", (event) => fail(event.message));
addEventListener("unhandledrejection", (event) => fail(event.reason));

// Compiled once, for the page and for its worker.
const program = await WebAssembly.compileStreaming(fetch("web_bg.wasm"));
await init({ module_or_path: program });
const worker = new Worker("worker.js", { type: "module" });
worker.addEventListener("error", (event) => fail(event.message));
// The browser answers in between.
await new Promise((resolve) => setTimeout(resolve));
open_page(worker);
// Last, since what the worker answers must find somebody who listens.
worker.postMessage(program);

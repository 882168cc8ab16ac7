import init from "./playground.js";

const canvas = document.getElementById("canvas");
const isTest = new URLSearchParams(location.search).has("test");

const post = (body) => fetch("/result", { method: "POST", body });

function fail(sentence) {
  const notice = document.getElementById("notice");
  notice.textContent = sentence;
  notice.hidden = false;
  canvas.hidden = true;
  if (isTest) post(JSON.stringify({ failure: sentence }));
}
addEventListener("error", (event) => fail(`The page cannot go on: ${event.message}`));
addEventListener("unhandledrejection", (event) => fail(`The page cannot go on: ${event.reason}`));

// The page's test of itself, for an address that ends in `?test`: it waits until the network has learned, and tells its
// server how the loss fell; then it sends a picture of what is drawn.
async function test() {
  const losses = [];
  const told = new MutationObserver(() => {
    const { steps, loss, notice } = canvas.dataset;
    if (notice) return fail(notice);
    losses.push([Number(steps), Number(loss)]);
    if (losses.at(-1)[0] < 500) return;
    told.disconnect();
    // While a frame is drawn, the canvas has its picture.
    requestAnimationFrame(() => canvas.toBlob(async (picture) => {
      await post(JSON.stringify({ first: losses[0], last: losses.at(-1) }));
      await post(picture);
    }));
  });
  told.observe(canvas, { attributeFilter: ["data-loss", "data-notice"] });
}

if (!navigator.gpu) {
  fail("This page needs WebGPU, which this browser does not offer. Current versions of Chrome, Edge, Firefox and Safari do, on most computers and phones, if the page comes over HTTPS or from the computer itself.");
} else if (!(await navigator.gpu.requestAdapter())) {
  fail("This browser offers WebGPU, but no device of this computer for it.");
} else {
  if (isTest) test();
  await init();
}

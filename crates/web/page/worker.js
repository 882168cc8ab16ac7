import init, { run_worker } from "./web.js";

// An error that is thrown where nobody awaits it reaches the page.
addEventListener("unhandledrejection", (event) => { throw event.reason; });

// The first message is the program; those after it are the page's orders.
addEventListener("message", async ({ data }) => {
  await init({ module_or_path: data });
  run_worker();
}, { once: true });

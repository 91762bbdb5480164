// The service worker that keeps this version for offline use, and the one that waits to take over.

let waiting = null;
let isTakingOver = false;
let tell = () => {};

/** Call when a version begins to wait. */
export function onNewVersion(listener) {
  tell = listener;
}

/** Give what activates the version that waits, or null. */
export function newVersion() {
  return waiting ? takeOver : null;
}

function takeOver() {
  isTakingOver = true;
  waiting.postMessage("activate");
}

async function watch() {
  const registration = await navigator.serviceWorker.register("/till/sw.js", { scope: "/till/", updateViaCache: "none" });
  const look = () => { waiting = navigator.serviceWorker.controller ? registration.waiting : null; tell(); };
  look();
  registration.addEventListener("updatefound", () => registration.installing.addEventListener("statechange", look));
  navigator.serviceWorker.addEventListener("controllerchange", () => { if (isTakingOver) location.reload(); });
  setInterval(() => registration.update().catch(() => {}), 3_600_000);
}

if ("serviceWorker" in navigator) watch().catch((error) => console.warn("no service worker", error));

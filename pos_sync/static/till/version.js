// The service worker that keeps this version for offline use, and the one that waits to take over.

let waiting = null;
let isTakingOver = false;
// Another window let the new version take over: this one still is what it was until it is loaded anew.
let isOutdated = false;
let tell = () => {};

/** Call when a version begins to wait. */
export function onNewVersion(listener) {
  tell = listener;
}

/** Give what shows the new version, or null where there is none. */
export function newVersion() {
  if (isOutdated) return () => location.reload();
  return waiting ? takeOver : null;
}

function takeOver() {
  isTakingOver = true;
  waiting.postMessage("activate");
}

async function watch() {
  const workers = navigator.serviceWorker;
  let hadOne = Boolean(workers.controller);
  workers.addEventListener("controllerchange", () => {
    if (isTakingOver) location.reload();
    isOutdated ||= hadOne;
    hadOne = true;
    tell();
  });
  const registration = await workers.register("/till/sw.js", { scope: "/till/", updateViaCache: "none" });
  const look = () => { waiting = workers.controller ? registration.waiting : null; tell(); };
  look();
  registration.addEventListener("updatefound", () => registration.installing.addEventListener("statechange", look));
  setInterval(() => registration.update().catch(() => {}), 3_600_000);
}

if ("serviceWorker" in navigator) watch().catch((error) => console.warn("no service worker", error));

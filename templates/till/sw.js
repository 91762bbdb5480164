// Keeps one whole version of the till in this browser, so that it opens without a network. Never touches the till's data.
const VERSION = "{{ version }}";
const PAGE = {{ page|safe }};
const FILES = {{ files|safe }};
const OURS = new Set(FILES.map((file) => file.url));

self.addEventListener("install", (event) => event.waitUntil(keepAll()));
self.addEventListener("activate", (event) => event.waitUntil(dropOthers()));

// A new version waits until the page says that no receipt is being taken.
self.addEventListener("message", (event) => {
  if (event.data === "activate") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname.startsWith(PAGE)) event.respondWith(kept(PAGE, request));
  else if (OURS.has(pathname)) event.respondWith(kept(pathname, request));
});

// All or nothing: a file that is not of this version fails its integrity, and the installation with it.
async function keepAll() {
  const cache = await caches.open(VERSION);
  await Promise.all(FILES.map(async ({ url, integrity }) => {
    const response = await fetch(url, { integrity, cache: "reload", credentials: "omit" });
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    await cache.put(url, response);
  }));
}

async function dropOthers() {
  for (const name of await caches.keys()) {
    if (name !== VERSION) await caches.delete(name);
  }
  await self.clients.claim();
}

async function kept(url, request) {
  const cache = await caches.open(VERSION);
  return (await cache.match(url)) ?? fetch(request);
}

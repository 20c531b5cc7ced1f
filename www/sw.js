// Keeps the files of one build, so that the page opens without its server.
//
// Pages get the whole of one build: what they ask for is answered from the files of their own, or
// not from here at all. A new build waits until no page of the older one is open, or until a person
// chooses it in one of them. web/finish.sh fills in the next two lines. A build without a number is
// for development: it gives up what earlier ones have kept.
const BUILD = "";
const FILES = {};

const OURS = `tabraft ${registration.scope} `;
const CACHE = OURS + BUILD;
/// Held while caches come or go.
const LOCK = `tabraft-caches:${registration.scope}`;
let chosen = false;

addEventListener("install", (event) => event.waitUntil(BUILD ? keep() : skipWaiting()));
addEventListener("activate", (event) => event.waitUntil(BUILD ? begin() : retire()));
addEventListener("message", (event) => {
  if (event.data === "which") event.ports[0]?.postMessage(BUILD);
  if (event.data === "tidy") event.waitUntil(tidy());
  if (event.data === "claim") event.waitUntil(clients.claim());
  if (event.data !== "use") return;
  chosen = true;
  event.waitUntil(skipWaiting());
});
addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  if (!BUILD || method !== "GET" || !url.startsWith(registration.scope)) return;
  const { pathname, searchParams } = new URL(url);
  const path = pathname.slice(new URL(registration.scope).pathname.length);
  const name = path === "" || path === "index.html" ? "./" : path;
  const asked = mode === "navigate" ? BUILD : (searchParams.get("build") ?? BUILD);
  const own = asked === BUILD && Object.hasOwn(FILES, name);
  if (own) event.respondWith(fromOwn(event.request, name));
  // Of a page of another build that is still open.
  else if (/\.(js|wasm|css)$/.test(name)) event.respondWith(fromOthers(event.request, name));
});

async function fromOwn(request, name) {
  const kept = await caches.match(name, { cacheName: CACHE });
  if (kept) return kept;
  // One file is lost, so all are given up. The next visit begins anew.
  await caches.delete(CACHE);
  await registration.unregister();
  return fetch(request);
}

async function fromOthers(request, name) {
  for (const cacheName of await caches.keys()) {
    if (!cacheName.startsWith(OURS) || cacheName === CACHE) continue;
    const build = new URL(request.url).searchParams.get("build");
    if (build && cacheName !== OURS + build) continue;
    const kept = await caches.match(name, { cacheName });
    if (kept) return kept;
  }
  return fetch(request);
}

/// All files or none, each as it was built: a server may just be getting another build.
async function keep() {
  await navigator.locks.request(LOCK, async () => {
    const cache = await caches.open(CACHE);
    try {
      await Promise.all(Object.entries(FILES).map(async ([name, digest]) => {
        const response = await fetch(asAsked(name), { cache: "no-cache", integrity: integrity(digest) });
        if (!response.ok) throw new Error(`${name}: ${response.status}`);
        await cache.put(name, response);
      }));
    } catch (error) {
      await caches.delete(CACHE);
      throw error;
    }
  });
}

/// As pages ask for it, so that the browser has it already. Names with a hash stand for themselves.
const asAsked = (name) => (name === "./" || /-[0-9a-f]{12,}[._]/.test(name) ? name : `${name}?build=${BUILD}`);

const integrity = (digest) =>
  `sha256-${btoa(String.fromCharCode(...digest.match(/../g).map((byte) => parseInt(byte, 16))))}`;

async function begin() {
  await clients.claim();
  if (chosen) {
    const all = await clients.matchAll({ type: "window", includeUncontrolled: true });
    for (const page of all) page.postMessage({ use: BUILD, scope: registration.scope });
  }
  await tidy();
}

/// Deletes what builds have kept of which no page is open.
async function tidy() {
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    // A build that waits for its turn has no page yet.
    if (!lock || registration.installing || registration.waiting) return;
    const { held } = await navigator.locks.query();
    const open = new Set(held.map(({ name }) => name));
    for (const name of await caches.keys()) {
      if (!name.startsWith(OURS) || name === CACHE) continue;
      if (!open.has(`tabraft-page:${name.slice(OURS.length)}`)) await caches.delete(name);
    }
  });
}

async function retire() {
  for (const name of await caches.keys()) {
    if (name.startsWith(OURS)) await caches.delete(name);
  }
  await registration.unregister();
  // Not waited for: they ask this worker first, which is not done yet.
  for (const page of await clients.matchAll({ type: "window" })) page.navigate(page.url).catch(() => {});
}

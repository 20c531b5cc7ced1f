// Keeps this build for when the server is away, and offers the next one. A build runs in all tabs
// or in none: whoever has it in one tab reloads them all.
const HOUR_MS = 3_600_000;
const RELOADS = "All open tabs of it reload: their nodes restart, and what is stored stays.";

const words = document.getElementById("version");

function offer(sentence, use) {
  if (words.hasChildNodes()) return;
  const notice = document.createElement("p");
  notice.className = "notice";
  const text = document.createElement("span");
  text.textContent = `${sentence} ${RELOADS}`;
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.testid = "use-version";
  button.textContent = "Use the new version";
  button.addEventListener("click", use);
  notice.append(text, button);
  words.append(notice);
}

/// Which build a service worker has.
const buildOf = (worker) => new Promise((done) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => done(data);
  worker.postMessage("which", [port2]);
});

export async function watch(build) {
  const container = navigator.serviceWorker;
  // Said when a build was chosen in a tab. Its own build needs no page to reload.
  container.addEventListener("message", ({ data }) => {
    // There may be other copies of the page on this origin.
    if (!data?.use || data.scope !== new URL("./", document.baseURI).href) return;
    if (data.use === build) words.replaceChildren();
    else location.reload();
  });
  container.startMessages();

  let registration;
  try {
    registration = await container.register("./sw.js");
  } catch (error) {
    // The page works all the same, as long as there is a server.
    console.info("tabraft: this browser does not keep the page for later:", error);
    return;
  }
  const use = () => {
    if (registration.waiting) registration.waiting.postMessage("use");
    else location.reload();
  };
  const look = () => {
    if (registration.waiting && registration.active) {
      offer("A new version of tabraft is here.", use);
    }
  };
  const follow = (worker) => worker?.addEventListener("statechange", look);
  registration.addEventListener("updatefound", () => follow(registration.installing));
  follow(registration.installing);
  look();

  // A page may be open for days.
  const ask = () => registration.update().catch(() => {
    // No server now: the next time will do.
  });
  setInterval(ask, HOUR_MS);
  let asked = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || Date.now() - asked < HOUR_MS / 60) return;
    asked = Date.now();
    ask();
  });

  // Both may take as long as a worker does.
  const { active } = await container.ready;
  active.postMessage("tidy");
  const kept = await buildOf(active);
  // Still on its way when the service worker began, a page is not among those that it took.
  if (kept === build && !container.controller) active.postMessage("claim");
  if (kept !== build && !registration.installing) {
    offer("Another version of tabraft is kept by this browser than the one of this page.", use);
  }
}

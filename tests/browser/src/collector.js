// Put before everything else into the served page and into its workers: sends what they print,
// and every error that nobody caught, to the test's server, where it survives any kill.
(() => {
  const send = globalThis.fetch.bind(globalThis);
  const inPage = typeof window !== "undefined";
  const where = inPage ? location.search || location.pathname : `worker ${self.name}`.trim();
  const asText = (part) => {
    if (typeof part === "string") return part;
    // Firefox's stack is without the message, Chromium's begins with it.
    if (part instanceof Error) return `${part} ${part.stack ?? ""}`;
    try {
      return JSON.stringify(part) ?? String(part);
    } catch {
      return String(part);
    }
  };
  const tell = (level, parts) => {
    if (globalThis.harness?.closing) return;
    const text = parts.map(asText).join(" ").slice(0, 4000);
    const body = JSON.stringify({ where, level, text });
    send("/_harness/console", { method: "POST", keepalive: true, body }).catch(() => {});
  };

  for (const level of ["error", "warn", "info", "log", "debug"]) {
    const print = console[level];
    console[level] = (...parts) => {
      print.apply(console, parts);
      tell(level, parts);
    };
  }
  const onError = (event) => {
    const source = event.target && (event.target.src || event.target.href);
    if (source) tell("error", [`did not load: ${source}`]);
    else tell("error", [`uncaught: ${event.message}`, event.error ?? ""]);
  };
  // Capturing, because a failed resource's error does not bubble.
  addEventListener("error", onError, true);
  addEventListener("unhandledrejection", (event) => tell("error", ["unhandled:", event.reason]));

  if (!inPage) return;
  const channels = new Set();
  globalThis.BroadcastChannel = class extends BroadcastChannel {
    constructor(name) {
      super(name);
      channels.add(name);
    }
  };
  // `send` reaches the server without what the page may have done to `fetch`; once `closing` is
  // set, what the page says is nothing to go by.
  globalThis.harness = { channels, send, started: [], loads: {} };
})();

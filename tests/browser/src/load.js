// Keeps `inFlight` puts under way, each with a key and value of its own (or, with `ring`, over
// that many keys), until it is told to stop. A put counts when its promise resolved and the
// test's server has answered that it knows.
const { name, inFlight, ring, valueBytes, timeoutMs } = args;
const load = { running: true, sent: 0, acked: 0, failed: [], longestMs: 0 };
harness.loads[name] = load;

let unsent = [];
let posting = false;
const post = async () => {
  if (posting) return;
  posting = true;
  while (unsent.length > 0) {
    const body = JSON.stringify(unsent);
    unsent = [];
    await harness.send(`/_harness/acked/${name}`, { method: "POST", body }).catch(() => {});
  }
  posting = false;
};

const writer = async () => {
  while (load.running) {
    const n = load.sent++;
    const key = ring ? `${name}/ring/${n % ring}` : `${name}/${Math.floor(n / 250)}/${n}`;
    const value = `${name}:${n}:`.padEnd(valueBytes, "x");
    const began = performance.now();
    try {
      await tabraft.put(key, value, { timeoutMs });
      load.acked++;
      if (!ring) {
        unsent.push([key, value]);
        post();
      }
    } catch (error) {
      load.failed.push(`${key}: ${error.code} ${error.message}`);
      // A cluster that answers nothing but errors must not be asked in a tight loop for ever.
      if (load.failed.length > 1000) load.running = false;
    }
    load.longestMs = Math.max(load.longestMs, performance.now() - began);
  }
};
load.over = Promise.all(Array.from({ length: inFlight }, writer)).then(post);

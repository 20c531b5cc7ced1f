// Keeps `inFlight` puts under way, each with a key and value of its own (or, with `ring`, over
// about that many keys), until it is told to stop or has sent `writes`. A put counts when its
// promise resolved and the test's server has answered that it knows; with `ring` the tab itself
// keeps each key's last value, which is exact, for each writer has keys of its own.
const { name, inFlight, ring, writes, valueBytes, timeoutMs, pauseMs } = args;
const load = {
  running: true, sent: 0, acked: 0, failed: [], longestMs: 0,
  // When the last put was acknowledged, and the times without one since they were asked for: the
  // longest, and where the last of them began.
  ackedAt: performance.now(), gapMs: 0, gaps: [], last: {},
};
const GAPS_MAX = 2_000;
const POST_EVERY_MS = 100;
harness.loads[name] = load;

let unsent = [];
let posting = null;
// A few times a second: what tells of the writes is not to take the machine from them.
const post = () => (posting ??= (async () => {
  while (unsent.length > 0) {
    const body = JSON.stringify(unsent);
    unsent = [];
    await harness.send(`/_harness/acked/${name}`, { method: "POST", body }).catch(() => {});
    if (load.running) await new Promise((done) => setTimeout(done, POST_EVERY_MS));
  }
  posting = null;
})());

const keyOf = (n, writer, round) => {
  if (!ring) return `${name}/${Math.floor(n / 250)}/${n}`;
  const own = Math.max(1, Math.floor(ring / inFlight));
  return `${name}/ring/${writer + inFlight * (round % own)}`;
};

const write = async (writer) => {
  for (let round = 0; load.running && (!writes || load.sent < writes); round++) {
    const n = load.sent++;
    const key = keyOf(n, writer, round);
    const value = `${name}:${n}:`.padEnd(valueBytes, "x");
    const began = performance.now();
    try {
      await tabraft.put(key, value, { timeoutMs });
      load.acked++;
      const now = performance.now();
      load.gapMs = Math.max(load.gapMs, now - load.ackedAt);
      load.gaps.push({ at: load.ackedAt, ms: now - load.ackedAt });
      if (load.gaps.length > GAPS_MAX) load.gaps.splice(0, GAPS_MAX / 2);
      load.ackedAt = now;
      if (ring) {
        load.last[key] = value;
      } else {
        unsent.push([key, value]);
        post();
      }
    } catch (error) {
      load.failed.push(`${key}: ${error.code} ${error.message}`);
      // A cluster that answers nothing but errors must not be asked in a tight loop for ever.
      if (load.failed.length > 1000) load.running = false;
    }
    load.longestMs = Math.max(load.longestMs, performance.now() - began);
    if (pauseMs) await new Promise((done) => setTimeout(done, pauseMs));
  }
};
load.over = Promise.all(Array.from({ length: inFlight }, (_, writer) => write(writer))).then(post);

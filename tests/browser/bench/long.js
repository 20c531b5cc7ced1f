// `warm` puts that do not count, then `writes` that do, of 256 bytes over 10,000 keys, 256 in flight:
// when each tenth was done, and what the page held then.
const { warm, writes } = args;
const RING = 10_000;
const long = (harness.long = { sent: 0, acked: 0, failed: [], tenths: [], over: false });
const heap = () => performance.memory?.usedJSHeapSize ?? 0;
let began = performance.now();
const lane = async () => {
  while (long.sent < warm + writes && long.failed.length < 100) {
    const n = long.sent++;
    try {
      await tabraft.put(`long/${n % RING}`, `${n}:`.padEnd(256, "x"), { timeoutMs: 30_000 });
      if (++long.acked === warm) began = performance.now();
      const tenth = Math.floor(((long.acked - warm) * 10) / writes);
      if (tenth > long.tenths.length) long.tenths.push({ ms: performance.now() - began, heapBytes: heap() });
    } catch (error) {
      long.failed.push(error.message);
    }
  }
};
Promise.all(Array.from({ length: 256 }, lane)).then(() => { long.over = true; });

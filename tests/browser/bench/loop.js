// The load that every contender gets: `inFlight` operations under way at any time, each begun when
// one before it is answered, for `warmMs` unmeasured and then `ms` measured; longer, up to `LONGER`
// times, until twice as many were answered as are under way. `one(n)` is the n-th operation. Those answered
// within the measured time count.
const LONGER = 10;
const measure = async ({ inFlight, warmMs, ms }, one) => {
  const from = performance.now() + warmMs;
  const latencies = [];
  // When the measured time is over, once it is.
  let over;
  const isOver = (now) => {
    const long = now >= from + ms && (latencies.length >= 2 * inFlight || now >= from + LONGER * ms);
    if (long) over ??= now;
    return over !== undefined;
  };
  const failed = [];
  let next = 0;
  let answered = 0;
  const lane = async () => {
    for (let began = performance.now(); !isOver(began) && failed.length < 100;) {
      try {
        await one(next++);
        answered++;
      } catch (error) {
        failed.push(String(error?.message ?? error));
      }
      const now = performance.now();
      if (now >= from && !isOver(now)) latencies.push(now - began);
      began = now;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const measured = (over ?? performance.now()) - from;
  return { perSecond: latencies.length * 1000 / measured, ...percentiles(latencies), answered, failed };
};

// The browser's clock ticks every 0.1 ms. So much noise, spread evenly, keeps a median from
// sticking to a tick.
const percentiles = (latencies) => {
  const sorted = Float64Array.from(latencies, (it) => it + (Math.random() - 0.5) * 0.1).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
};

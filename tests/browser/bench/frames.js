// `rate` puts a second for `ms`, begun when they are due, as long as no more than `room` are under
// way; and the page's frames meanwhile.
const { mark, rate, room, ms, valueBytes, ring } = args;
const written = (harness.written ??= new Set());
const told = { acked: 0, failed: [], frames: [] };
let [begun, underWay] = [0, 0];
performance.mark(`frames-${mark}-from`);
const from = performance.now();
const put = (n) => {
  const key = `frames/${n % ring}`;
  written.add(key);
  underWay++;
  tabraft.put(key, `${n}:`.padEnd(valueBytes, "x"), { timeoutMs: 30_000 })
    .then(() => told.acked++, (error) => told.failed.push(String(error?.message ?? error)))
    .finally(() => underWay--);
};
const frame = (at) => {
  told.frames.push(at);
  if (performance.now() < from + ms) requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
for (let now = from; now < from + ms; now = performance.now()) {
  const due = ((now - from) * rate) / 1_000;
  while (begun < due && underWay < room) put(begun++);
  await new Promise((next) => setTimeout(next, 4));
}
performance.mark(`frames-${mark}-until`);
const took = performance.now() - from;
const perSecond = (told.acked * 1_000) / took;
while (underWay > 0) await new Promise((next) => setTimeout(next, 4));
const between = told.frames.slice(1).map((at, i) => at - told.frames[i]);
return { ...told, frames: between, perSecond, framesPerSecond: (between.length * 1_000) / took,
         keys: written.size, visible: document.visibilityState === "visible" };

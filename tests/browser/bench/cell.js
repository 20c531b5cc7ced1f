// One cell: load by plain JavaScript over `window.tabraft`, as a page would. All cells write over
// the same keys, and remember which, for the count afterwards.
const { op, valueBytes, ring } = args;
const written = (harness.written ??= new Set());
const key = (n) => `bench/${n % ring}`;
const value = (n) => `${n}:`.padEnd(valueBytes, "x");
const timeoutMs = 30_000;
let acked = 0;
const put = async (n) => {
  const name = key(n);
  written.add(name);
  await tabraft.put(name, value(n), { timeoutMs });
  acked++;
};
const get = async (n) => {
  const found = await tabraft.get(key(n), { timeoutMs });
  if (found?.length !== valueBytes) throw new Error(`read ${found?.length} bytes, not ${valueBytes}`);
};
// What is read is there, and has the size that is asked for.
if (op === "put") {
  harness.filled = 0;
} else if (harness.filled !== valueBytes) {
  let n = 0;
  const lane = async () => { while (n < ring) await put(n++); };
  await Promise.all(Array.from({ length: 64 }, lane));
  harness.filled = valueBytes;
}
const ops = { put, get, mix: (n) => (n % 2 ? get(n) : put(n)) };
return { ...await measure(args, ops[op]), acked, keys: written.size };

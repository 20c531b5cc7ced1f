// Replica `args` crashes and is started in this tab.
const node = async () => (await tabraft.status()).nodes.find(({ id }) => id === args);
await tabraft.crash(args);
while ((await node()).state === "running") await new Promise((done) => setTimeout(done, 20));
const words = new RegExp(`^Node ${args} read .* in (\\d+) ms and replayed them in (\\d+) ms`);
const told = async () => (await tabraft.events({})).map(({ text }) => words.exec(text)).filter((it) => it);
const before = (await told()).length;
const began = performance.now();
await tabraft.start(args);
const startMs = performance.now() - began;
// Answered by this replica itself, and so with all applied that was committed.
for (let answered = false; !answered;) {
  try {
    await tabraft.get("entry/0", { node: args, timeoutMs: 2_000 });
    answered = true;
  } catch (error) {
    if (performance.now() - began > 60_000) throw error;
    await new Promise((done) => setTimeout(done, 4));
  }
}
const readyMs = performance.now() - began;
let all = [];
while ((all = await told()).length <= before) {
  if (performance.now() - began > 60_000) throw new Error("no event tells how long it took to read");
  await new Promise((done) => setTimeout(done, 20));
}
const [, readMs, replayMs] = all.at(-1).map(Number);
return { startMs, readyMs, readMs, replayMs };

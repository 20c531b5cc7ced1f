// Keeps `workers` operations under way on few keys: puts, gets, compare-and-swaps and deletes. The
// test's server knows each of them before it is made, and its end when there is one, so that the
// history outlives this tab. Keys change every `roundMs`. Times are of the one clock that all tabs
// share, as it stood before the operation and after it.
const { name, workers, keys, roundMs, timeoutMs, pauseMs, nodes } = args;
const told = { running: true, done: 0, unknown: 0, wrong: [] };
harness.loads[name] = told;
const client = Math.floor(Math.random() * 2 ** 48);
// The only errors that say that a write has not happened and will not.
const nothing = ["NO_LEADER", "BUSY", "NOT_RUNNING", "NO_SUCH_NODE", "UNREACHABLE"];
const unknown = ["TIMEOUT", "SESSION_EXPIRED", "CLOSED"];

const post = (line) =>
  harness.send(`/_harness/told/operations`, { method: "POST", body: JSON.stringify(line) });

// A hidden page's timers come once a second; those of its workers come in time.
const clock = new Worker("/_harness/script/clock.js");
const resting = new Map();
clock.onmessage = ({ data }) => {
  resting.get(data)();
  resting.delete(data);
};
const rest = (n, ms) =>
  new Promise((done) => {
    resting.set(n, done);
    clock.postMessage({ n, ms });
  });

const below = (n) => Math.floor(Math.random() * n);
let number = 0;
const seen = {};

const work = async (worker) => {
  while (told.running) {
    const id = `${client}.${number++}`;
    const key = `${below(keys)}/${Math.floor(Date.now() / roundMs)}`;
    const op = ["get", "get", "get", "put", "put", "put", "cas", "cas", "delete"][below(9)];
    const value = op === "put" || op === "cas" ? id : null;
    const expected = op === "cas" && below(4) > 0 ? (seen[key] ?? null) : null;
    const options = { timeoutMs, ...(below(5) === 0 ? { node: 1 + below(nodes) } : {}) };
    try {
      await post({ id, client, key, op, value, expected, invoked: Date.now() });
    } catch {
      // Not told, so not made.
      continue;
    }
    try {
      let answer;
      if (op === "get") answer = await tabraft.get(key, options);
      if (op === "put") answer = await tabraft.put(key, value, options);
      if (op === "cas") answer = await tabraft.cas(key, expected, value, options);
      if (op === "delete") answer = await tabraft.delete(key, options);
      const returned = Date.now();
      told.done++;
      if (op === "get") seen[key] = answer;
      else if (op !== "delete" && answer.swapped !== false) seen[key] = value;
      await post({ id, returned, answer }).catch(() => {});
    } catch (error) {
      if (unknown.includes(error.code)) told.unknown++;
      else if (!nothing.includes(error.code)) told.wrong.push(`${op} ${key}: ${error.code} ${error.message}`);
      if (nothing.includes(error.code)) await post({ id, nothing: true }).catch(() => {});
    }
    await rest(worker, below(2 * pauseMs));
  }
};
told.over = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));

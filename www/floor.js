// What this browser charges by itself, and what a page would do without a cluster. Loaded by the page
// when it is to be measured, as `tabraftFloor`, a function of `task`, {ms, inFlight, valueBytes}; and
// run by the workers which that starts.
//
// - floor: medians of a channel round trip from the page to a worker, of one between two workers, and
//   of a strict transaction with one record while three workers write
// - plain: a put, a strict transaction, in one worker, so many under way at once
(() => {

// How long messages take there and back, one after the other, over channels to an echo.
const roundTrips = async ({ inbox, outbox, ms }) => {
  const [there, back] = [new BroadcastChannel(inbox), new BroadcastChannel(outbox)];
  const answered = () => new Promise((done) => { back.onmessage = () => done(true); });
  // What is said before the other end is listening is lost.
  for (let heard = false; !heard;) {
    const answer = answered();
    there.postMessage(new Uint8Array(300));
    heard = await Promise.race([answer, new Promise((done) => setTimeout(done, 100, false))]);
  }
  const all = [];
  const from = performance.now();
  for (let began = from; began - from < ms;) {
    const answer = answered();
    there.postMessage(new Uint8Array(300));
    await answer;
    const now = performance.now();
    all.push(now - began);
    began = now;
  }
  for (const channel of [there, back]) channel.close();
  return all;
};

const inWorker = () => {
  const opened = (name) => new Promise((done, fail) => {
    const opening = indexedDB.open(name);
    opening.onupgradeneeded = () => opening.result.createObjectStore("pairs");
    opening.onsuccess = () => done(opening.result);
    opening.onerror = () => fail(opening.error);
  });
  const put = (database, key, value) => new Promise((done, fail) => {
    const transaction = database.transaction("pairs", "readwrite", { durability: "strict" });
    transaction.objectStore("pairs").put(value, key);
    transaction.oncomplete = done;
    transaction.onabort = () => fail(transaction.error);
  });
  const load = async ({ ms, inFlight }, one) => {
    const [from, latencies] = [performance.now(), []];
    let n = 0;
    const lane = async () => {
      for (let began = from; began - from < ms;) {
        await one(n++);
        const now = performance.now();
        if (now - from < ms) latencies.push(now - began);
        began = now;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    return latencies;
  };
  const roles = {
    echo: ({ inbox, outbox }) => {
      const back = new BroadcastChannel(outbox);
      new BroadcastChannel(inbox).onmessage = ({ data }) => back.postMessage(data);
    },
    ask: roundTrips,
    write: async (task) => {
      const database = await opened(task.database);
      const value = task.record ? new Uint8Array(task.valueBytes) : "x".repeat(task.valueBytes);
      try {
        return await load(task, (n) => put(database, n % 1000, value));
      } finally {
        database.close();
        indexedDB.deleteDatabase(task.database);
      }
    },
  };
  onmessage = async ({ data }) => {
    try {
      postMessage({ ok: await roles[data.role](data) });
    } catch (error) {
      postMessage({ error: String(error) });
    }
  };
};

const here = self.document?.currentScript.src;
const inPage = (task) => {
  const workers = [];
  const inRole = (given) => new Promise((done, fail) => {
    const worker = new Worker(here);
    workers.push(worker);
    worker.onmessage = ({ data }) => (data.error ? fail(new Error(data.error)) : done(data.ok));
    worker.onerror = (event) => fail(new Error(event.message));
    worker.postMessage(given);
  });
  const quantile = (all, share) => {
    const sorted = Float64Array.from(all).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  };
  // Of what follows on each other, the means of tens: a clock may tick no finer than a millisecond.
  const inTens = (all) => {
    const tens = [];
    for (let n = 0; n + 10 <= all.length; n += 10) {
      tens.push(all.slice(n, n + 10).reduce((sum, it) => sum + it) / 10);
    }
    return tens.length ? tens : all;
  };

  const tag = `${Date.now()}-${Math.random()}`;
  const channels = { inbox: `bench:${tag}:in`, outbox: `bench:${tag}:out`, ms: task.ms / 2 };
  const writing = (name, given) => inRole({ role: "write", database: `bench:${tag}:${name}`, ...given });

  const run = async () => {
    try {
      await inRole({ role: "echo", ...channels });
      const trips = await roundTrips(channels);
      const between = await inRole({ role: "ask", ...channels });
      const record = { record: true, valueBytes: 300, inFlight: 1, ms: task.ms / 2 };
      const transactions = await Promise.all([1, 2, 3].map((n) => writing(n, record)));
      const puts = await writing("plain", task);
      return {
        floor: {
          roundTripMs: quantile(inTens(trips), 0.5),
          workerRoundTripMs: quantile(inTens(between), 0.5),
          transactionMs: quantile(transactions.flatMap(inTens), 0.5),
        },
        plain: {
          opsPerSecond: (puts.length * 1000) / task.ms,
          p50Ms: quantile(puts, 0.5),
          p99Ms: quantile(puts, 0.99),
        },
      };
    } finally {
      for (const worker of workers) worker.terminate();
    }
  };
  return run();
};

if (self.document) self.tabraftFloor = inPage;
else inWorker();
})();

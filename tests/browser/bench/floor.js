// One worker of the floor: what a browser charges for a write of three replicas, without any Raft.
// Each has an inbox, as replicas have; a message is some 300 bytes, as that of a put of 256 is.
const inbox = (name, hear) => {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => hear(data);
};
const message = () => new Uint8Array(300);

const open = (name) => new Promise((done, fail) => {
  const opening = indexedDB.open(name);
  opening.onupgradeneeded = () => opening.result.createObjectStore("log");
  opening.onsuccess = () => done(opening.result);
  opening.onerror = () => fail(opening.error);
});
let seq = 0;
// One strict transaction with one packed record.
const write = (database) => new Promise((done, fail) => {
  const transaction = database.transaction("log", "readwrite", { durability: "strict" });
  transaction.objectStore("log").put(message(), ++seq);
  transaction.oncomplete = done;
  transaction.onabort = () => fail(transaction.error);
});

// Round trips, one after the other, to whoever echoes at `to`.
const ping = async ({ me, to, ms, warmMs }) => {
  const peer = new BroadcastChannel(to);
  let answered;
  inbox(me, () => answered());
  return measure({ inFlight: 1, warmMs, ms }, () => {
    const answer = new Promise((done) => { answered = done; });
    peer.postMessage({ from: me, bytes: message() });
    return answer;
  });
};

const roles = {
  ping,
  // Answers everybody at once.
  echo: ({ me }) => {
    const peers = {};
    inbox(me, ({ from }) => (peers[from] ??= new BroadcastChannel(from)).postMessage({ bytes: message() }));
  },
  // Writes without a rest, at the same time as the others.
  write: async ({ me, startAt, ms, warmMs }) => {
    const database = await open(`floor:${me}`);
    await untilWall(startAt);
    return measure({ inFlight: 1, warmMs, ms }, () => write(database));
  },
  // Durable, then answered.
  follow: async ({ me, leader }) => {
    const database = await open(`floor:${me}`);
    const peer = new BroadcastChannel(leader);
    inbox(me, async ({ n }) => {
      await write(database);
      peer.postMessage({ n, bytes: message() });
    });
  },
  // Sends and writes at once; answers when two of the three have it.
  lead: async ({ me, followers }) => {
    const database = await open(`floor:${me}`);
    const peers = followers.map((it) => new BroadcastChannel(it));
    const waiting = new Map();
    let number = 0;
    const durable = (n) => {
      const it = waiting.get(n);
      if (it && ++it.have === 2) it.client.postMessage({ bytes: message() });
      if (it?.have === 3) waiting.delete(n);
    };
    const clients = {};
    inbox(me, ({ from, n }) => {
      if (n) return durable(n);
      const mine = ++number;
      waiting.set(mine, { have: 0, client: clients[from] ??= new BroadcastChannel(from) });
      for (const peer of peers) peer.postMessage({ n: mine, bytes: message() });
      write(database).then(() => durable(mine));
    });
  },
};
if (typeof WorkerGlobalScope !== "undefined") {
  onmessage = async ({ data }) => {
    try {
      postMessage({ ok: await roles[data.role](data) });
    } catch (error) {
      postMessage({ error: String(error) });
    }
  };
}

// Who may host a node: two hosts for one id, and what a host is worth that has lost it.

import { start } from "./hands.js";
import { followersOf, nodeOf, restore } from "./lab.js";

const done = (request) =>
  new Promise((ok, fail) => {
    request.onsuccess = () => ok(request.result);
    request.onerror = () => fail(request.error);
  });

/**
 * All that a node has in its log, as one fingerprint, and how many records that is. With `claim` the owner's
 * epoch is raised in the same transaction: the first that any host does.
 */
const stored = async (cluster, id, claim) => {
  const database = await done(indexedDB.open(`tabraft:${cluster}:${id}`));
  try {
    const transaction = database.transaction(["wal", "owner"], claim ? "readwrite" : "readonly");
    const over = new Promise((ok, fail) => {
      transaction.oncomplete = ok;
      transaction.onabort = () => fail(transaction.error);
    });
    const wal = transaction.objectStore("wal");
    const [keys, values] = await Promise.all([done(wal.getAllKeys()), done(wal.getAll())]);
    if (claim) {
      const owner = transaction.objectStore("owner");
      owner.put((await done(owner.get("epoch"))) + 1, "epoch");
    }
    await over;
    const bytes = await new Blob([JSON.stringify(keys), ...values]).arrayBuffer();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return { records: keys.length, print: hash.slice(0, 8).toHex?.() ?? [...hash.slice(0, 8)].join(" ") };
  } finally {
    database.close();
  }
};

const WRITES = 20;

/** Some writes, so that a host that could write would. */
const goOn = async () => {
  for (let n = 0; n < WRITES; n++) await tabraft.put("experiment/twice", `${n}`);
};

const failed = (lab, id, word) =>
  lab.until("its host does not end", (status) => {
    const { state, problem } = nodeOf(status, id);
    return state === "failed" && problem.includes(word) && problem;
  });

export const sameId = {
  id: "same-id",
  title: "The same id twice",
  about:
    "Two hosts of one node would be two voters with one name, and two writers of one log. A lock makes it " +
    "rare that two try. A lock can be lost without a word, though: so every write checks an epoch in the node's " +
    "own database, which each new host raises. Here the page's script plays the other host.",
  nodes: 3,
  steps: [
    {
      page: "The page starts a follower that runs already. The button on its card would refuse to.",
      look: async (lab) => {
        const { cluster } = await lab.settled();
        const { id, epoch } = followersOf(await lab.status())[0];
        Object.assign(lab, { cluster, id, epoch, host: { id } });
        const error = await tabraft.start(id).then(() => ({ message: "It started." }), (it) => it);
        lab.code = error.code ?? "acknowledged";
        const node = nodeOf(await lab.status(), id);
        lab.first = node.state === "running" && node.epoch === epoch;
        return `Node ${id} runs. Started a second time, the second host says: “${error.message}” (${lab.code}).`;
      },
    },
    {
      page:
        `The page steals the lock of that node, starts the node while the lock is held, writes ${WRITES} times, and lets go. ` +
        "A browser takes locks away when it must; there is no button for that.",
      look: async (lab) => {
        const name = `tabraft:${lab.cluster}:node:${lab.id}`;
        const taken = new Promise((ok, fail) => {
          const hold = () => {
            ok();
            return new Promise((release) => { lab.release = release; });
          };
          // The request fails when another steals it in turn, or the page closes.
          navigator.locks.request(name, { steal: true }, hold).catch(fail);
        });
        await taken;
        lab.lockLost = await failed(lab, lab.id, "lock");
        lab.left = await stored(lab.cluster, lab.id);
        lab.second = await lab.refusal(tabraft.start(lab.id));
        await goOn();
        lab.later = await stored(lab.cluster, lab.id);
        lab.release();
        delete lab.release;
        await lab.until("the lock is not free", async () => {
          const { held } = await navigator.locks.query();
          return held.every((it) => it.name !== name);
        });
        return `Its lock was stolen. It says: “${lab.lockLost}” While the other held the lock, starting it ended with ${lab.second}.`;
      },
    },
    start("host", "Start that node: press Start on the card of the one that failed.", (lab, node) => {
      lab.next = node.epoch;
      return `Node ${lab.id} runs, in epoch ${node.epoch} after ${lab.epoch}, and caught up.`;
    }),
    {
      page:
        `The page opens the node's database as another host would, raises the epoch there, and writes ${2 * WRITES} times. ` +
        "No button does that.",
      look: async (lab) => {
        lab.before = await stored(lab.cluster, lab.id, true);
        await goOn();
        lab.fenced = await failed(lab, lab.id, "epoch");
        await goOn();
        lab.after = await stored(lab.cluster, lab.id);
        return `Its database was opened by another, and it heard nothing of that: it has its lock still, and tried to write. It says: “${lab.fenced}”`;
      },
    },
    start("host", "Start it again: press Start on its card.", (lab, node) => {
      lab.last = node.epoch;
      return `Node ${lab.id} runs in epoch ${node.epoch}, and caught up.`;
    }),
  ],
  outcome: (lab) => [
    {
      theory: "Of two hosts one runs. The other says why it does not.",
      seen: `The second one said ${lab.code}; the first ran on in epoch ${lab.epoch}.`,
      holds: lab.code === "ALREADY_RUNNING" && lab.first && lab.second === "ALREADY_RUNNING",
    },
    {
      theory: "A host whose lock was taken ends, and writes no more.",
      seen: `Its log had ${lab.left.records} records when it ended, and ${lab.later.records} after ${WRITES} writes of the others.`,
      holds: lab.left.print === lab.later.print && lab.left.records === lab.later.records,
    },
    {
      theory: "A host that does not know it is fenced cannot persist a byte.",
      seen: `Its log had ${lab.before.records} records when another raised the epoch, and ${lab.after.records} in the end: ${lab.before.print === lab.after.print ? "the same bytes" : "other bytes"}.`,
      holds: lab.before.print === lab.after.print && lab.before.records === lab.after.records,
    },
    {
      theory: "Every host raises the epoch, so that the newest is the one that writes.",
      seen: `Epochs ${lab.epoch}, ${lab.next}, then ${lab.last}, with the other's between.`,
      holds: lab.epoch < lab.next && lab.next + 1 < lab.last && lab.equal,
    },
  ],
  after: async (lab) => {
    lab.release?.();
    await restore(lab);
  },
};

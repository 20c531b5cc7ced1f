// The log: a write's way through it, what is folded away, and what a dead leader had in it.

import { ENTRIES, put, putAfter, settingsBack, shortLog, start, stopFollower, writeMany } from "./hands.js";
import { caughtUp, followersOf, leaderOf, nodeOf, restore } from "./lab.js";

/** From the proposal on. */
const since = (lab, atMs) => `${(atMs - lab.proposed).toFixed(1)} ms`;

export const aWrite = {
  id: "a-write",
  title: "The way of a write",
  about:
    "A write is proposed to the leader, put in its log, sent to the others, kept on disk by a majority, " +
    "committed, applied, and only then answered. Every node tells when each of these happened.",
  nodes: 3,
  steps: [
    {
      ask: "Put a key: under Write and read, press Put.",
      before: async (lab) => {
        lab.leader = await lab.leader();
        lab.from = lab.leader.applied;
      },
      act: () => tabraft.put("experiment/way", "1"),
      seen: async (lab, status) => {
        lab.index = (await putAfter(status, lab.from))?.index;
        return lab.index && `It is entry ${lab.index} of the log.`;
      },
      wait: () => "Nothing was put yet.",
    },
    {
      look: async (lab) => {
        lab.steps = await lab.until("steps are missing", async ({ nodes }) => {
          const steps = await tabraft.events({ index: lab.index });
          const applied = new Set(steps.filter(({ step }) => step === "applied").map(({ node }) => node));
          return nodes.every(({ id, state }) => state !== "running" || applied.has(id)) && steps;
        });
        const of = (name) => lab.steps.find(({ node, step }) => node === lab.leader.id && step === name)?.atMs;
        [lab.proposed, lab.committed, lab.applied, lab.replied] = ["proposed", "committed", "applied", "replied"].map(of);
        return `Node ${lab.leader.id} committed it ${since(lab, lab.committed)} after it was proposed. Under Write and read, Steps of a write has the times of every node.`;
      },
    },
  ],
  outcome: (lab) => {
    // Clocks of one machine, read to the millisecond or so.
    const kept = lab.steps.filter(({ step, atMs }) => step === "persisted" && atMs <= lab.committed + 1);
    const majority = Math.floor(new Set(lab.steps.map(({ node }) => node)).size / 2) + 1;
    return [
      {
        theory: "A majority has it on disk before it is committed.",
        seen: `It was on ${kept.length} disks then.`,
        holds: kept.length >= majority,
      },
      {
        theory: "It is applied after it is committed, and answered after that.",
        seen: `Committed after ${since(lab, lab.committed)}, applied after ${since(lab, lab.applied)}, answered after ${since(lab, lab.replied)}.`,
        holds: lab.committed <= lab.applied && lab.applied <= lab.replied,
      },
    ];
  },
  after: restore,
};

/** What the experiments on the log changed is put back. */
const longLog = async (lab) => {
  await settingsBack(lab);
  await restore(lab);
};

export const compaction = {
  id: "compaction",
  title: "The log is folded into a snapshot",
  about:
    "A log that only grows would fill the disk, and a restart would take for ever. So a node keeps a " +
    "snapshot of its state now and then, and drops the entries that led to it, but for some for the slow.",
  nodes: 3,
  steps: [
    shortLog,
    put("old", "Put a key, whose entry is to go: under Write and read, press Put."),
    writeMany("experiment/fold", "the entry of that key is still in a log", (lab, { nodes }, leader) => {
      if (nodes.some(({ firstIndex }) => firstIndex <= lab.old.index)) return;
      lab.folded = nodes;
      lab.length = leader.lastIndex - leader.firstIndex + 1;
      return `${lab.written.toLocaleString("en")} entries later the leader has a snapshot at ${leader.snapshotIndex}, and its log begins at ${leader.firstIndex}.`;
    }),
    {
      ask: "Crash any node: press Crash on its card.",
      before: async (lab) => {
        lab.hosts = (await lab.settled()).nodes;
      },
      act: async (lab) => tabraft.crash(followersOf(await lab.status())[0].id),
      seen: (lab, status) => {
        lab.crashed = lab.hosts.find(({ id, epoch }) => {
          const now = nodeOf(status, id);
          return now.state !== "running" || now.epoch !== epoch;
        });
        return lab.crashed && `Node ${lab.crashed.id} has crashed: all that it has is on its disk.`;
      },
      wait: () => "All nodes run.",
    },
    start("crashed", "Start it again: press Start on its card.", (lab, node) => {
      lab.back = node;
      return `Node ${node.id} began with its snapshot, read its log from ${node.firstIndex} on, and caught up.`;
    }),
  ],
  outcome: async (lab) => {
    const { id, firstIndex } = lab.back;
    const { key, value, index } = lab.old;
    const kept = await tabraft.get(key, { node: id, consistency: "stale" });
    const begin = [...lab.folded.map((node) => node.firstIndex), firstIndex];
    return [
      {
        theory: "What an entry did outlives the entry: a snapshot has it.",
        seen: `Entry ${index} is in no log; they begin at ${begin.slice(0, -1).join(", ")}. Node ${id}, started again with a log from ${firstIndex} on, has ${key} as “${kept}”.`,
        holds: kept === value && begin.every((first) => first > index),
      },
      {
        theory: "The log stays short, however much is written.",
        seen: `The leader's had ${lab.length} entries after ${lab.written} new ones.`,
        // One span to the next snapshot, what is kept for the slow, and what came meanwhile.
        holds: lab.length < 3 * ENTRIES && lab.length < lab.written,
      },
    ];
  },
  after: longLog,
};

export const farBehind = {
  id: "far-behind",
  title: "A follower too far behind",
  about:
    "A follower was away so long that the leader no longer has the entries it lacks. The leader sends it " +
    "a snapshot in their place, and goes on with the log from there.",
  nodes: 3,
  steps: [
    shortLog,
    stopFollower("away"),
    writeMany("experiment/behind", "the leader's log reaches back to the follower's end", (lab, _, leader) => {
      lab.first = leader.firstIndex;
      return lab.first > lab.away.lastIndex + 1 && `${lab.written.toLocaleString("en")} entries later the leader's log begins at ${lab.first}.`;
    }, ({ away, first }, status) =>
      nodeOf(status, away.id).state === "running" &&
      !(first > away.lastIndex + 1) &&
      `Node ${away.id} runs again, and was to be away. Begin again.`),
    start("away", "Start it again: press Start on its card.", (lab, node) => {
      lab.back = node;
      return `Node ${node.id} has the snapshot at ${node.snapshotIndex} and all that came after it.`;
    }),
  ],
  outcome: async (lab) => {
    const told = (await tabraft.events({})).some(({ text }) => text.includes(`Node ${lab.away.id} installed the leader's snapshot`));
    return [
      {
        theory: "It cannot be caught up by the log.",
        seen: `It had the log up to ${lab.away.lastIndex}; the leader's began at ${lab.first}.`,
        holds: lab.first > lab.away.lastIndex + 1,
      },
      {
        theory: "It gets the leader's snapshot, and is equal in the end.",
        seen: told ? `It installed one, and its state is the leader's at ${lab.back.applied}.` : "It installed none.",
        holds: told && lab.equal,
      },
    ];
  },
  after: longLog,
};

/** After a crash the others are left apart so long, at most, for one to read the dead leader's log. */
const READ_MS = 5_000;

export const salvage = {
  id: "e4-and-e5",
  title: "What the dead leader had not sent",
  about:
    "The leader has put entries e4 and e5 in its log and on its disk, no other node has them, and it " +
    "dies. By Raft alone they may be lost: they were not acknowledged. Here its disk can still be read.",
  nodes: 3,
  query: "&tick_ms=200",
  steps: [
    {
      ask: "Put the keys e1, e2 and e3, one after another, with any values: under Write and read.",
      before: async (lab) => {
        lab.from = (await lab.leader()).applied;
      },
      act: async () => {
        for (const key of ["e1", "e2", "e3"]) await tabraft.put(key, "1");
      },
      seen: async (lab, status) => {
        const leader = leaderOf(status);
        if (!leader) return;
        const here = { node: leader.id, consistency: "stale" };
        const found = await Promise.all(["e1", "e2", "e3"].map((key) => tabraft.get(key, here)));
        lab.missing = ["e1", "e2", "e3"].filter((_, n) => (found[n] ?? null) === null);
        const equal = status.nodes.every(({ id, member }) => !member || caughtUp(status, id));
        lab.unequal = !equal;
        return !lab.missing.length && equal && leader.applied >= lab.from + 3 && `Entries e1 to e3 are everywhere. Node ${leader.id} leads.`;
      },
      wait: (lab) => {
        if (lab.missing?.length) return `Missing: ${lab.missing.join(", ")}.`;
        return lab.unequal ? "They are not on every node yet." : "There are such keys from before. Put them once more.";
      },
    },
    {
      page:
        "The page cuts every node off and has the leader take e4 and e5 at once. By hand it would be too late: " +
        "a leader that hears of no majority soon steps down and takes nothing more.",
      look: async (lab) => {
        lab.old = await lab.leader();
        // Of an earlier run there may be others.
        lab.value = `${Date.now()}`;
        await tabraft.partition((await lab.status()).nodes.map(({ id }) => [id]));
        const alone = { node: lab.old.id, timeoutMs: 300 };
        lab.codes = await Promise.all(["e4", "e5"].map((key) => lab.refusal(tabraft.put(key, lab.value, alone))));
        const { lastIndex, commit } = nodeOf(await lab.status(), lab.old.id);
        Object.assign(lab, { ahead: lastIndex - commit, end: lastIndex });
        return `Node ${lab.old.id} was cut off and took e4 and e5: ${lab.ahead} entries that it alone has. The writes ended with ${lab.codes.join(" and ")}.`;
      },
    },
    {
      ask: "Crash the node that has them: press Crash on its card. Then the page heals the links.",
      act: (lab) => tabraft.crash(lab.old.id),
      seen: async (lab, { nodes }) => {
        const { id, epoch } = lab.old;
        const dead = nodes.find((it) => it.id === id);
        if (dead.state === "running" && dead.epoch === epoch) return;
        lab.crashed ??= performance.now();
        const rest = nodes.filter((it) => it.id !== id);
        // Each is apart, and can be elected only when it has had the time to read.
        if (!lab.healed && (rest.some(({ lastIndex }) => lastIndex >= lab.end) || performance.now() - lab.crashed > READ_MS)) {
          lab.healed = true;
          await tabraft.heal();
        }
        lab.next = rest.find(({ role, state, term }) => role === "leader" && state === "running" && term > lab.old.term);
        return lab.next && `Node ${lab.next.id} leads in term ${lab.next.term}.`;
      },
      wait: (lab) => (lab.crashed ? "Nobody is elected yet." : `Node ${lab.old.id} still runs.`),
    },
    {
      look: async (lab) => {
        lab.found = await Promise.all(["e4", "e5"].map((key) => tabraft.get(key)));
        const [e4, e5] = lab.found.map((value) => (value === lab.value ? "there" : "lost"));
        return `e4 is ${e4}, and e5 is ${e5}.`;
      },
    },
  ],
  outcome: async (lab) => {
    const on = (await tabraft.settings()).salvage !== false;
    const both = lab.found.every((value) => value === lab.value);
    return [
      {
        theory: "Nobody was told that e4 and e5 are safe.",
        seen: `The writes ended with ${lab.codes.join(" and ")}.`,
        holds: lab.codes.every((code) => code === "TIMEOUT"),
      },
      {
        theory: on
          ? "Its successor reads the end of the dead leader's log, and commits what it finds there."
          : "Salvage is off: what no majority has may be lost.",
        seen: both ? "Both are committed." : "They are not there.",
        holds: !on || both,
      },
    ];
  },
  after: restore,
};

// The log: a write's way through it, what is folded away, and what a dead leader had in it.

import { followersOf, leaderOf, ms, nodeOf, restore } from "./lab.js";

export const aWrite = {
  id: "a-write",
  title: "The way of a write",
  about:
    "A write is proposed to the leader, put in its log, sent to the others, kept on disk by a majority, " +
    "committed, applied, and only then answered. Every node tells when each of these happened.",
  nodes: 3,
  steps: [
    {
      ask: "Write something: a key, a value, Put.",
      before: async (lab) => {
        lab.leader = await lab.leader();
        lab.from = lab.leader.applied;
      },
      act: async (lab) => {
        lab.index = (await tabraft.put("experiment/way", "1")).index;
      },
      seen: (lab, status) => {
        const leader = nodeOf(status, lab.leader.id);
        if (leader.applied === lab.from) return;
        lab.index ??= leader.applied;
        return `It is entry ${lab.index} of the log.`;
      },
    },
    {
      look: async (lab) => {
        lab.steps = await lab.until("steps are missing", async ({ nodes }) => {
          const steps = await tabraft.events({ index: lab.index });
          const applied = new Set(steps.filter(({ step }) => step === "applied").map(({ node }) => node));
          return applied.size === nodes.length && steps;
        });
        const of = (name) => lab.steps.find(({ node, step }) => node === lab.leader.id && step === name)?.atMs;
        [lab.proposed, lab.committed, lab.applied, lab.replied] = ["proposed", "committed", "applied", "replied"].map(of);
        return `Node ${lab.leader.id} committed it ${ms(lab.committed - lab.proposed)} after it was proposed.`;
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
        seen: `Committed after ${ms(lab.committed - lab.proposed)}, answered after ${ms(lab.replied - lab.proposed)}.`,
        holds: lab.committed <= lab.applied && lab.applied <= lab.replied,
      },
    ];
  },
};

/** Writes `count` keys, 64 at a time. */
const fill = async (prefix, count) => {
  for (let n = 0; n < count; n += 64) {
    const some = Array.from({ length: Math.min(64, count - n) }, (_, k) => `${prefix}/${n + k}`);
    await Promise.all(some.map((key) => tabraft.put(key, "x".repeat(64))));
  }
};

const ENTRIES = 200;

const shortLog = async (lab) => {
  const { snapshotEntries, catchupEntries } = await tabraft.settings();
  lab.settings = { snapshotEntries, catchupEntries };
  await tabraft.configure({ snapshotEntries: ENTRIES, catchupEntries: 50 });
};

const longLog = async (lab) => {
  if (lab.settings) await tabraft.configure(lab.settings);
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
    {
      look: async (lab) => {
        await shortLog(lab);
        lab.before = await lab.leader();
        return `A snapshot is due every ${ENTRIES} entries now. The leader's log begins at ${lab.before.firstIndex}.`;
      },
    },
    {
      look: async (lab) => {
        await fill("experiment/fold", 5 * ENTRIES);
        lab.folded = await lab.until("no snapshot", (status) => {
          const leader = leaderOf(status);
          return leader?.snapshotIndex > lab.before.snapshotIndex && status;
        });
        const { firstIndex, snapshotIndex } = leaderOf(lab.folded);
        return `${5 * ENTRIES} writes later there is a snapshot at ${snapshotIndex}, and the log begins at ${firstIndex}.`;
      },
    },
  ],
  outcome: (lab) => {
    const leader = leaderOf(lab.folded);
    const length = leader.lastIndex - leader.firstIndex + 1;
    return [
      {
        theory: "Entries go only when a snapshot has their effect.",
        seen: `The log begins at ${leader.firstIndex}, the snapshot ends at ${leader.snapshotIndex}.`,
        holds: leader.firstIndex <= leader.snapshotIndex + 1,
      },
      {
        theory: "The log stays short, however much is written.",
        seen: `It has ${length} entries after ${leader.lastIndex - lab.before.lastIndex} new ones.`,
        // One span to the next snapshot, what is kept for the slow, and what came meanwhile.
        holds: length < 3 * ENTRIES,
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
    {
      ask: "Stop a follower.",
      before: shortLog,
      act: async (lab) => {
        await lab.leader();
        await tabraft.stop(followersOf(await lab.status())[0].id);
      },
      seen: (lab, { nodes }) => {
        lab.away = nodes.find(({ member, state }) => member && state === "stopped");
        return lab.away && `Node ${lab.away.id} is away. Its log ends at ${lab.away.lastIndex}.`;
      },
    },
    {
      look: async (lab) => {
        await fill("experiment/behind", 5 * ENTRIES);
        const leader = await lab.until("the log reaches back", (status) => {
          const leader = leaderOf(status);
          return leader?.firstIndex > lab.away.lastIndex + 1 && leader;
        });
        lab.first = leader.firstIndex;
        return `${5 * ENTRIES} writes later the leader's log begins at ${leader.firstIndex}.`;
      },
    },
    {
      ask: "Start it again.",
      act: (lab) => tabraft.start(lab.away.id),
      seen: (lab, status) => {
        const [leader, back] = [leaderOf(status), nodeOf(status, lab.away.id)];
        lab.back = back;
        const equal = leader && back.applied === leader.applied && back.digest === leader.digest;
        return back.state === "running" && equal && `Node ${back.id} has the snapshot at ${back.snapshotIndex} and all that came after it.`;
      },
    },
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
        holds: told,
      },
    ];
  },
  after: longLog,
};

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
      look: async (lab) => {
        lab.old = await lab.leader();
        for (const key of ["e1", "e2", "e3"]) await tabraft.put(`experiment/${key}`, "1");
        await lab.settled();
        return `Entries e1 to e3 are everywhere. Node ${lab.old.id} leads.`;
      },
    },
    {
      look: async (lab) => {
        const others = followersOf(await lab.status()).map(({ id }) => id);
        await tabraft.partition([[lab.old.id], others]);
        const alone = { node: lab.old.id, timeoutMs: 300 };
        lab.codes = await Promise.all(["e4", "e5"].map((key) => lab.refusal(tabraft.put(`experiment/${key}`, "1", alone))));
        const { lastIndex, commit } = nodeOf(await lab.status(), lab.old.id);
        lab.ahead = lastIndex - commit;
        return `It was cut off and took e4 and e5: ${lab.ahead} entries that it alone has. The writes ended with ${lab.codes.join(" and ")}.`;
      },
    },
    {
      ask: "Crash it: press Crash on the card with the crown.",
      act: (lab) => tabraft.crash(lab.old.id),
      seen: async (lab, { nodes }) => {
        lab.next = nodes.find(({ id, role, state }) => role === "leader" && state === "running" && id !== lab.old.id);
        if (!lab.next) return;
        await tabraft.heal();
        return `Node ${lab.next.id} leads.`;
      },
    },
    {
      look: async (lab) => {
        lab.found = await Promise.all(["e4", "e5"].map((key) => tabraft.get(`experiment/${key}`)));
        return `e4 is ${lab.found[0] === "1" ? "there" : "lost"}, and e5 is ${lab.found[1] === "1" ? "there" : "lost"}.`;
      },
    },
  ],
  outcome: async (lab) => {
    const on = (await tabraft.settings()).salvage !== false;
    const both = lab.found.every((value) => value === "1");
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

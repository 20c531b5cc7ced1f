// Disks: full, damaged, and shared by two nodes.

import { crashLeader, put, putAfter, settings, settingsBack, start, stopFollower } from "./hands.js";
import { followersOf, leaderOf, ms, nodeOf, restore } from "./lab.js";

/** How the page tells of a disk that was filled. */
const FULL = /^Node \d+'s disk .*is full\.$/;

export const fullDisk = {
  id: "full-disk",
  title: "A disk is full",
  about:
    "A node that cannot keep what it would acknowledge must not go on: an entry that it had promised to " +
    "keep would be missing. It says so and stops, and the others are a majority without it.",
  nodes: 3,
  steps: [
    {
      ask: "Fill a follower's disk: on its card open More, and press Full disk.",
      before: async (lab) => {
        await lab.leader();
        lab.since = (await tabraft.events({})).at(-1)?.seq ?? 0;
      },
      act: async (lab) => tabraft.disk(followersOf(await lab.status())[0].id, { full: true }),
      seen: async (lab) => {
        const told = await tabraft.events({ since: lab.since });
        const id = told.find(({ text }) => FULL.test(text))?.node;
        lab.victim = id && { id };
        return id && `Node ${id} will find its disk full when it writes next.`;
      },
      wait: () => "All disks have room.",
    },
    {
      ask: "Put a key: under Write and read, press Put.",
      before: async (lab) => {
        lab.from = (await lab.leading()).applied;
        lab.wrote = undefined;
      },
      act: (lab) => lab.refusal(tabraft.put("experiment/full", "1")),
      seen: async (lab, status) => {
        lab.wrote ??= await putAfter(status, lab.from);
        const { state, problem } = nodeOf(status, lab.victim.id);
        lab.problem = problem;
        return lab.wrote && state === "failed" && `Node ${lab.victim.id} found its disk full, and stopped. The write is at index ${lab.wrote.index}.`;
      },
      wait: (lab) => (lab.wrote ? `Node ${lab.victim.id} runs still.` : "Nothing was put yet."),
    },
    start(
      "victim",
      "There is room again. Start the node: press Start on its card.",
      (lab) => `Node ${lab.victim.id} caught up.`,
    ),
  ],
  outcome: (lab) => [
    {
      theory: "A node that cannot write stops, and says why.",
      seen: lab.problem,
      holds: lab.problem.includes("no room left"),
    },
    {
      theory: "The others go on.",
      seen: `The write was committed and applied at index ${lab.wrote.index}.`,
      holds: lab.wrote.index > lab.from,
    },
    {
      theory: "With room again it is as good as before.",
      seen: lab.equal ? "Equal digests at equal indices." : "The digests differ.",
      holds: lab.equal,
    },
  ],
  after: async (lab) => {
    for (const { id } of (await lab.status()).nodes) {
      const code = await lab.refusal(tabraft.disk(id, {}));
      if (!["acknowledged", "NOT_RUNNING"].includes(code)) throw new Error(`The disk of node ${id} stays faulty: ${code}.`);
    }
    await restore(lab);
  },
};

export const damagedLog = {
  id: "damaged-log",
  title: "A log is damaged",
  about:
    "A bit flips in the newest record of a node's log. Cutting the record off would be easy, and wrong: " +
    "it may hold a vote, or an entry that was acknowledged. The node stops, keeps the bytes, and is replaced.",
  nodes: 3,
  steps: [
    stopFollower("victim"),
    {
      ask: "Flip a bit of its log: on its card open More, press Damage WAL, last, and confirm. Then press Start.",
      act: async (lab) => {
        await tabraft.corrupt(lab.victim.id, { what: "wal", where: "last" });
        await lab.refusal(tabraft.start(lab.victim.id));
      },
      seen: (lab, status) => {
        const { state, problem } = nodeOf(status, lab.victim.id);
        lab.problem = problem;
        return state === "failed" && `Started with the damage, it says: “${problem}”`;
      },
      wait: (lab, status) => {
        const { id, state } = nodeOf(status, lab.victim.id);
        return state === "running" ? `Node ${id} runs, undamaged. Stop it, damage its log, and start it.` : `Node ${id} is stopped.`;
      },
    },
    {
      ask: "Replace it: press Replace on its card, and confirm.",
      act: (lab) => tabraft.replace(lab.victim.id),
      seen: (lab, status) => {
        const leader = leaderOf(status);
        lab.voters = leader?.voters ?? [];
        const replaced = leader && !lab.voters.includes(lab.victim.id) && lab.voters.length === 3;
        return replaced && `Nodes ${lab.voters.join(", ")} are the members now.`;
      },
      wait: (lab) => `Node ${lab.victim.id} is a member still.`,
    },
  ],
  outcome: async (lab) => {
    const write = await lab.refusal(tabraft.put("experiment/damaged", "1"));
    return [
      {
        theory: "Damage is noticed before the node says a word.",
        seen: `It said: “${lab.problem}”`,
        holds: lab.problem.includes("damaged"),
      },
      {
        theory: "Another node takes its place, under another id.",
        seen: `The members are ${lab.voters.join(", ")}.`,
        holds: !lab.voters.includes(lab.victim.id) && lab.voters.length === 3,
      },
      {
        theory: "Nothing stood still meanwhile.",
        seen: `A write was ${write}.`,
        holds: write === "acknowledged",
      },
    ];
  },
  after: async (lab) => {
    // A damaged log is not mended: another node takes the place.
    const victim = lab.victim && nodeOf(await lab.status(), lab.victim.id);
    if (victim?.member && victim.state === "failed") await tabraft.replace(victim.id);
    await restore(lab);
  },
};

export const twoNodes = {
  id: "two-nodes",
  title: "Two nodes, one store",
  about:
    "Of two nodes both are needed for a majority, so by Raft alone one crash stops everything. But both " +
    "disks lie in the same browser: whoever survives can host the dead node's replica from its disk, at once.",
  nodes: 2,
  steps: [
    settings({ revive: "manual" }, "Turn revival off: under Settings set Revive to manual, and press Apply in all tabs."),
    crashLeader(
      "old",
      "Crash the leader: press Crash on the card with the crown. The page then tries a write.",
      async (lab) => {
        lab.alone = await lab.refusal(tabraft.put("experiment/two", "alone", { timeoutMs: 1_500 }));
        return `Node ${lab.old.id} crashed, and a write ended with ${lab.alone}.`;
      },
    ),
    start("old", "Start it again: press Start on its card.", (_, __, status) => `Both run, and node ${status.leader} leads.`),
    settings({ revive: "auto" }, "Turn revival on: under Settings set Revive to auto, and press Apply in all tabs."),
    put("two", "Put a key: under Write and read, press Put."),
    crashLeader(
      "next",
      "Crash the leader once more: press Crash on the card with the crown. The page times the next write.",
      async (lab) => {
        lab.took = await lab.writes("experiment/after");
        return `Node ${lab.next.id} crashed, and the next write took ${ms(lab.took)}.`;
      },
    ),
  ],
  outcome: async (lab) => {
    const kept = await tabraft.get(lab.two.key);
    const timeout = 10 * (await tabraft.settings()).tickMs;
    return [
      {
        theory: "One of two is no majority.",
        seen: `Alone, a write ended with ${lab.alone}.`,
        holds: ["TIMEOUT", "NO_LEADER"].includes(lab.alone),
      },
      {
        theory: `With revival nobody waits for an election timeout, which is ${timeout} ms at least.`,
        seen: `The write after the crash took ${ms(lab.took)}.`,
        holds: lab.took < timeout,
      },
      {
        theory: "Nothing acknowledged is lost.",
        seen: `The write before the crash is ${kept === lab.two.value ? "there" : "gone"}.`,
        holds: kept === lab.two.value,
      },
    ];
  },
  after: async (lab) => {
    await settingsBack(lab);
    await restore(lab);
  },
};

// Disks: full, damaged, and shared by two nodes.

import { followersOf, leaderOf, ms, nodeOf, restore } from "./lab.js";

export const fullDisk = {
  id: "full-disk",
  title: "A disk is full",
  about:
    "A node that cannot keep what it would acknowledge must not go on: an entry that it had promised to " +
    "keep would be missing. It says so and stops, and the others are a majority without it.",
  nodes: 3,
  steps: [
    {
      look: async (lab) => {
        await lab.leader();
        lab.victim = followersOf(await lab.status())[0].id;
        await tabraft.disk(lab.victim, { full: true });
        lab.write = await lab.refusal(tabraft.put("experiment/full", "1"));
        const { problem } = await lab.until("it goes on", (status) => {
          const node = nodeOf(status, lab.victim);
          return node.state === "failed" && node;
        });
        lab.problem = problem;
        return `Node ${lab.victim} found its disk full, and stopped. A write was ${lab.write}.`;
      },
    },
    {
      ask: "There is room again. Start the node.",
      act: (lab) => tabraft.start(lab.victim),
      seen: (lab, status) => {
        const [leader, back] = [leaderOf(status), nodeOf(status, lab.victim)];
        lab.equal = leader && back.applied === leader.applied && back.digest === leader.digest;
        return back.state === "running" && lab.equal && `Node ${lab.victim} caught up.`;
      },
    },
  ],
  outcome: (lab) => [
    {
      theory: "A node that cannot write stops, and says why.",
      seen: lab.problem,
      holds: lab.problem.includes("no room left"),
    },
    {
      theory: "The others go on.",
      seen: `The write was ${lab.write}.`,
      holds: lab.write === "acknowledged",
    },
    {
      theory: "With room again it is as good as before.",
      seen: lab.equal ? "Equal digests at equal indices." : "The digests differ.",
      holds: Boolean(lab.equal),
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
    {
      ask: "Stop a follower.",
      act: async (lab) => {
        await lab.leader();
        await tabraft.stop(followersOf(await lab.status())[0].id);
      },
      seen: (lab, { nodes }) => {
        lab.victim = nodes.find(({ member, state }) => member && state === "stopped")?.id;
        return lab.victim && `Node ${lab.victim} is stopped.`;
      },
    },
    {
      look: async (lab) => {
        await tabraft.corrupt(lab.victim, { what: "wal", where: "last" });
        lab.code = await lab.refusal(tabraft.start(lab.victim));
        return `A bit was flipped in its log. Started again, it said ${lab.code}.`;
      },
    },
    {
      ask: "Replace it: press Replace on its card.",
      act: (lab) => tabraft.replace(lab.victim),
      seen: (lab, status) => {
        const leader = leaderOf(status);
        lab.voters = leader?.voters ?? [];
        lab.new = lab.voters.find((id) => id > lab.victim && nodeOf(status, id)?.applied === leader.applied);
        const replaced = leader && !lab.voters.includes(lab.victim) && lab.voters.length === 3;
        return replaced && `Nodes ${lab.voters.join(", ")} are the members now.`;
      },
    },
  ],
  outcome: async (lab) => {
    const write = await lab.refusal(tabraft.put("experiment/damaged", "1"));
    return [
      {
        theory: "Damage is noticed before the node says a word.",
        seen: `It said ${lab.code}.`,
        holds: lab.code === "DAMAGED",
      },
      {
        theory: "Another node takes its place, under another id.",
        seen: `The members are ${lab.voters.join(", ")}.`,
        holds: !lab.voters.includes(lab.victim) && lab.voters.length === 3,
      },
      {
        theory: "Nothing stood still meanwhile.",
        seen: `A write was ${write}.`,
        holds: write === "acknowledged",
      },
    ];
  },
};

const revival = async (lab, revive) => {
  lab.revive ??= (await tabraft.settings()).revive;
  await tabraft.configure({ revive });
};

export const twoNodes = {
  id: "two-nodes",
  title: "Two nodes, one store",
  about:
    "Of two nodes both are needed for a majority, so by Raft alone one crash stops everything. But both " +
    "disks lie in the same browser: whoever survives can host the dead node's replica from its disk, at once.",
  nodes: 2,
  steps: [
    {
      look: async (lab) => {
        await revival(lab, "manual");
        lab.old = await lab.leader();
        await tabraft.crash(lab.old.id);
        lab.alone = await lab.refusal(tabraft.put("experiment/two", "alone", { timeoutMs: 1_500 }));
        return `Revival is off. Node ${lab.old.id} crashed, and a write ended with ${lab.alone}.`;
      },
    },
    {
      ask: "Start it again.",
      act: (lab) => tabraft.start(lab.old.id),
      seen: (_, status) => {
        const leader = leaderOf(status);
        const both = status.nodes.every(({ state }) => state === "running");
        return both && leader && `Both run, and node ${leader.id} leads.`;
      },
    },
    {
      look: async (lab) => {
        await revival(lab, "auto");
        lab.value = `before ${Date.now()}`;
        await tabraft.put("experiment/two", lab.value);
        lab.next = await lab.leader();
        await tabraft.crash(lab.next.id);
        lab.took = await lab.writes("experiment/after");
        return `Revival is on. Node ${lab.next.id} crashed, and the next write took ${ms(lab.took)}.`;
      },
    },
  ],
  outcome: async (lab) => {
    const kept = await tabraft.get("experiment/two");
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
        seen: `The write before the crash is ${kept === lab.value ? "there" : "gone"}.`,
        holds: kept === lab.value,
      },
    ];
  },
  after: async (lab) => {
    if (lab.revive) await tabraft.configure({ revive: lab.revive });
    await restore(lab);
  },
};

// Leaders: how one is elected, and what follows when it crashes, is cut off or sleeps.

import { crashLeader, hasEnded, heal, noMajority, put, start } from "./hands.js";
import { followersOf, isCutOff, leaderOf, ms, nodeOf, restore } from "./lab.js";

const CUT_OFF_MS = 700;

const running = (nodes) => nodes.filter(({ state }) => state === "running");

export const firstElection = {
  id: "first-election",
  title: "An election",
  about:
    "Nobody leads when a cluster starts. A node that hears of no leader for an election timeout begins " +
    "a new term, votes for itself and asks the others for their votes. Whoever has a majority leads.",
  nodes: 3,
  steps: [
    {
      ask: "Stop every node: press Stop on each card.",
      before: async (lab) => {
        lab.before = Math.max(...(await lab.status()).nodes.map(({ term }) => term));
      },
      act: async (lab) => {
        for (const { id } of running((await lab.status()).nodes)) await tabraft.stop(id);
      },
      seen: (_, { nodes }) =>
        nodes.every(({ state }) => state === "stopped") && "All nodes are stopped, and nobody leads.",
      wait: (_, { nodes }) => `${running(nodes).length} of ${nodes.length} nodes still run.`,
    },
    {
      ask: "Start all of them again: press Start on each card.",
      act: async (lab) => {
        const idle = (await lab.status()).nodes.filter(({ state }) => state !== "running");
        await Promise.all(idle.map(({ id }) => tabraft.start(id)));
      },
      seen: (lab, status) => {
        lab.leader = leaderOf(status);
        lab.nodes = status.nodes;
        const all = status.nodes.every(({ state }) => state === "running");
        return all && lab.leader && `Node ${lab.leader.id} leads in term ${lab.leader.term}.`;
      },
      wait: (_, { nodes }) => `${running(nodes).length} of ${nodes.length} nodes run.`,
    },
  ],
  outcome: (lab) => {
    const { id, term } = lab.leader;
    const voters = lab.nodes.filter((node) => node.term === term && node.vote === id);
    const rivals = [...lab.leaders.values()].filter((ids) => ids.size > 1);
    return [
      {
        theory: "An election begins a new term.",
        seen: `The term was ${lab.before} and is ${term}.`,
        holds: term > lab.before,
      },
      {
        theory: "A majority voted for the leader in its term.",
        seen: `${voters.length} of ${lab.nodes.length} nodes voted for node ${id} in term ${term}.`,
        holds: 2 * voters.length > lab.nodes.length,
      },
      {
        theory: "No term has two leaders.",
        seen: `Leaders were seen in ${lab.leaders.size} terms; in ${rivals.length} of them more than one.`,
        holds: rivals.length === 0,
      },
    ];
  },
  after: restore,
};

export const leaderCrash = {
  id: "leader-crash",
  title: "The leader crashes",
  about:
    "A crash ends the leader's worker in the middle of whatever it does: nothing is flushed, nobody is " +
    "told. The others elect another one, and nothing that was acknowledged is missing.",
  nodes: 3,
  steps: [
    put("before", "Put a key: under Write and read, press Put."),
    crashLeader(
      "old",
      "Crash the leader: press Crash on the card with the crown. The page then times a write.",
      async (lab) => {
        lab.took = await lab.writes("experiment/after");
        return `Node ${lab.old.id} is gone. The next write was acknowledged after ${ms(lab.took)}.`;
      },
      noMajority,
    ),
    {
      look: async (lab) => {
        lab.next = await lab.leader();
        return `Node ${lab.next.id} leads in term ${lab.next.term}.`;
      },
    },
    start(
      "old",
      "Start the crashed node: press Start on its card.",
      (lab) => `Node ${lab.old.id} read its log back and caught up.`,
    ),
  ],
  outcome: async (lab) => {
    const kept = await tabraft.get(lab.before.key);
    return [
      {
        theory: "Another leader is elected, in a later term.",
        seen: `Node ${lab.next.id} leads in term ${lab.next.term}, after node ${lab.old.id} in term ${lab.old.term}.`,
        holds: lab.next.id !== lab.old.id && lab.next.term > lab.old.term,
      },
      {
        theory: "An acknowledged write is not lost.",
        seen: `The write before the crash is ${kept === lab.before.value ? "there" : "gone"}.`,
        holds: kept === lab.before.value,
      },
      {
        theory: "A node that comes back has the same state as the others at the same index.",
        seen: lab.equal ? "Equal digests at equal indices." : "The digests differ.",
        holds: lab.equal,
      },
    ];
  },
  after: restore,
};

/** Why the old leader is no leader without a majority, if it is none. */
const notAlone = async ({ old }, status) => {
  if (hasEnded(status, old)) return `Node ${old.id} does not run on: it was to be cut off, and nothing else. Begin again.`;
  if (!(await isCutOff(old.id, status))) return `Node ${old.id} is connected again. Begin again.`;
};

export const staleLeader = {
  id: "stale-leader",
  title: "A leader without a majority",
  about:
    "The network parts the leader from the others. It cannot know that they elected another one, so it " +
    "must not commit, nor answer a linearizable read. A stale read it may answer, with old data.",
  nodes: 3,
  steps: [
    put("part", "Put a key: under Write and read, press Put."),
    {
      ask: "Cut the leader off: on the map, press its number beside Cut off node.",
      before: async (lab) => {
        await lab.settled();
        lab.old = await lab.leader();
      },
      act: async (lab) => {
        const others = followersOf(await lab.status()).map(({ id }) => id);
        await tabraft.partition([[lab.old.id], others]);
      },
      broken: (lab, status) => hasEnded(status, lab.old) && notAlone(lab, status),
      seen: async (lab, status) => {
        const { nodes } = status;
        lab.isCutOff = await isCutOff(lab.old.id, status);
        lab.next = nodes.find(({ id, role, term }) => role === "leader" && id !== lab.old.id && term > lab.old.term);
        if (!lab.isCutOff || !lab.next) return;
        const rest = nodes.map(({ id }) => id).filter((id) => id !== lab.old.id);
        return `Nodes ${rest.join(" and ")} are a majority, and node ${lab.next.id} leads them in term ${lab.next.term}.`;
      },
      wait: (lab) =>
        lab.isCutOff ? "The others have elected nobody yet." : `Node ${lab.old.id} led when this step began, and is not cut off.`,
    },
    put("later", "Put the same key with another value: under Write and read, From the leader.", { again: "part", broken: notAlone }),
    {
      page:
        "The page asks the node that was cut off for a write, a linearizable read and a stale read, within " +
        `${CUT_OFF_MS} ms each, and notes the answers. You can ask it, too: choose it under From.`,
      look: async (lab) => {
        const found = await notAlone(lab, await lab.status());
        if (found) throw new Error(found);
        const alone = { node: lab.old.id, timeoutMs: CUT_OFF_MS };
        lab.write = await lab.refusal(tabraft.put(lab.part.key, "alone", alone));
        lab.read = await lab.refusal(tabraft.get(lab.part.key, alone));
        lab.stale = await tabraft.get(lab.part.key, { node: lab.old.id, consistency: "stale" });
        return `Node ${lab.old.id} acknowledged no write (${lab.write}), answered no linearizable read (${lab.read}), and has “${lab.stale}”.`;
      },
    },
    heal((lab, status) => {
      const [leader, old] = [leaderOf(status), nodeOf(status, lab.old.id)];
      return leader && old.term === leader.term && old.digest === leader.digest &&
        `Node ${lab.old.id} follows again, in term ${leader.term}.`;
    }),
  ],
  outcome: async (lab) => {
    const now = await tabraft.get(lab.part.key);
    return [
      {
        theory: "Without a majority nothing is acknowledged.",
        seen: `The write ended with ${lab.write}.`,
        holds: ["TIMEOUT", "NO_LEADER"].includes(lab.write),
      },
      {
        theory: "Without a majority no read is linearizable.",
        seen: `The read ended with ${lab.read}; the stale one gave “${lab.stale}”.`,
        holds: ["TIMEOUT", "NO_LEADER"].includes(lab.read) && lab.stale === lab.part.value,
      },
      {
        theory: "What the majority committed holds, wherever one asks.",
        seen: `The key is “${now}” now.`,
        holds: now === lab.later.value,
      },
    ];
  },
  after: restore,
};

export const pausedLeader = {
  id: "paused-leader",
  title: "A leader that sleeps",
  about:
    "Browsers freeze tabs, machines collect garbage, laptops are shut. A leader that sleeps stays leader " +
    "in its own eyes. Leases that rest on its clock would let it answer stale reads when it wakes.",
  nodes: 3,
  steps: [
    put("sleep", "Put a key: under Write and read, press Put."),
    {
      ask: "Pause the leader: press Pause on the card with the crown.",
      before: async (lab) => {
        await lab.settled();
        lab.old = await lab.leader();
      },
      act: (lab) => tabraft.pause(lab.old.id),
      seen: (lab, status) => {
        const { id } = lab.old;
        lab.next = status.nodes.find((it) => it.id !== id && it.role === "leader" && it.state === "running");
        const sleeps = nodeOf(status, id).state === "paused";
        return sleeps && lab.next && `It sleeps. Node ${lab.next.id} leads in term ${lab.next.term}.`;
      },
      wait: (lab, status) => {
        const { id, state } = nodeOf(status, lab.old.id);
        return state === "paused" ? "It sleeps. The others have elected nobody yet." : `Node ${id} is not paused.`;
      },
    },
    put("woken", "Put the same key with another value, which the sleeper knows nothing of: under Write and read, press Put.", {
      again: "sleep",
      broken: (lab, status) =>
        nodeOf(status, lab.old.id).state !== "paused" &&
        `Node ${lab.old.id} was woken before the key had another value. Begin again.`,
    }),
    {
      ask: "Wake it: press Resume on its card. The page asks it for the key at once.",
      // In the same moment, before it can have heard of the others.
      act: async (lab) => {
        const woken = tabraft.resume(lab.old.id);
        const asked = tabraft.get(lab.sleep.key, { node: lab.old.id });
        await woken;
        lab.answer = await asked.catch((error) => error.code);
      },
      seen: async (lab, status) => {
        const [leader, old] = [leaderOf(status), nodeOf(status, lab.old.id)];
        if (old.state !== "running") return;
        lab.answer ??= await tabraft.get(lab.sleep.key, { node: lab.old.id }).catch((error) => error.code);
        if (!leader || old.leader !== leader.id) return;
        lab.role = old.role;
        return `Node ${lab.old.id} follows node ${leader.id}. Asked when it woke, it answered “${lab.answer}”.`;
      },
      wait: (lab) => `Node ${lab.old.id} sleeps, or does not follow yet.`,
    },
  ],
  outcome: (lab) => [
    {
      theory: "The others elect a leader while it sleeps.",
      seen: `Node ${lab.next.id} led in term ${lab.next.term}, after node ${lab.old.id} in term ${lab.old.term}.`,
      holds: lab.next.term > lab.old.term,
    },
    {
      theory: "Woken, it answers no linearizable read from what it had.",
      seen: `It had “${lab.sleep.value}”, and answered “${lab.answer}”.`,
      holds: lab.answer !== lab.sleep.value,
    },
    {
      theory: "It steps down when it hears of the later term.",
      seen: `It is a ${lab.role}.`,
      holds: lab.role === "follower",
    },
  ],
  after: restore,
};

// Leaders: how one is elected, and what follows when it crashes, is cut off or sleeps.

import { followersOf, leaderOf, ms, nodeOf, restore } from "./lab.js";

const CUT_OFF_MS = 700;

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
        for (const { id } of (await lab.status()).nodes) await tabraft.stop(id);
      },
      seen: (_, { nodes }) =>
        nodes.every(({ state }) => state === "stopped") && "All nodes are stopped, and nobody leads.",
    },
    {
      ask: "Start all of them again.",
      act: async (lab) => {
        const { nodes } = await lab.status();
        await Promise.all(nodes.map(({ id }) => tabraft.start(id)));
      },
      seen: (lab, status) => {
        lab.leader = leaderOf(status);
        lab.nodes = status.nodes;
        const all = status.nodes.every(({ state }) => state === "running");
        return all && lab.leader && `Node ${lab.leader.id} leads in term ${lab.leader.term}.`;
      },
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
        seen: `Leaders were seen in ${lab.leaders.size} terms, one in each.`,
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
    {
      look: async (lab) => {
        lab.old = await lab.leader();
        lab.value = `before ${Date.now()}`;
        lab.written = await tabraft.put("experiment/before", lab.value);
        return `Node ${lab.old.id} leads in term ${lab.old.term}. A write is at index ${lab.written.index}.`;
      },
    },
    {
      ask: "Crash the leader: press Crash on the card with the crown.",
      act: (lab) => tabraft.crash(lab.old.id),
      seen: async (lab, status) => {
        if (nodeOf(status, lab.old.id).epoch === lab.old.epoch && nodeOf(status, lab.old.id).state === "running") return;
        lab.took = await lab.writes("experiment/after");
        return `Node ${lab.old.id} is gone. The next write was acknowledged after ${ms(lab.took)}.`;
      },
    },
    {
      look: async (lab) => {
        lab.next = await lab.leader();
        return `Node ${lab.next.id} leads in term ${lab.next.term}.`;
      },
    },
    {
      ask: "Start the crashed node: press Start on its card.",
      act: async (lab) => {
        const { state } = nodeOf(await lab.status(), lab.old.id);
        if (state !== "running") await tabraft.start(lab.old.id);
      },
      seen: (lab, status) => {
        const [leader, again] = [leaderOf(status), nodeOf(status, lab.old.id)];
        lab.equal = leader && again.applied === leader.applied && again.digest === leader.digest;
        return again.state === "running" && lab.equal && `Node ${lab.old.id} read its log back and caught up.`;
      },
    },
  ],
  outcome: async (lab) => {
    const kept = await tabraft.get("experiment/before");
    return [
      {
        theory: "Another leader is elected, in a later term.",
        seen: `Node ${lab.next.id} leads in term ${lab.next.term}, after node ${lab.old.id} in term ${lab.old.term}.`,
        holds: lab.next.id !== lab.old.id && lab.next.term > lab.old.term,
      },
      {
        theory: "An acknowledged write is not lost.",
        seen: `The write before the crash is ${kept === lab.value ? "there" : "gone"}.`,
        holds: kept === lab.value,
      },
      {
        theory: "A node that comes back has the same state as the others at the same index.",
        seen: lab.equal ? "Equal digests at equal indices." : "The digests differ.",
        holds: Boolean(lab.equal),
      },
    ];
  },
  after: restore,
};

export const staleLeader = {
  id: "stale-leader",
  title: "A leader without a majority",
  about:
    "The network parts the leader from the others. It cannot know that they elected another one, so it " +
    "must not commit, nor answer a linearizable read. A stale read it may answer, with old data.",
  nodes: 3,
  steps: [
    {
      look: async (lab) => {
        lab.old = await lab.leader();
        await tabraft.put("experiment/part", "before");
        await lab.settled();
        return `Node ${lab.old.id} leads. The key experiment/part is “before” everywhere.`;
      },
    },
    {
      ask: "Cut the leader off: on the map, press its number beside Cut off node.",
      act: async (lab) => {
        const others = followersOf(await lab.status()).map(({ id }) => id);
        await tabraft.partition([[lab.old.id], others]);
      },
      seen: async (lab, status) => {
        const next = status.nodes.find(({ id, role, term }) => role === "leader" && id !== lab.old.id && term > lab.old.term);
        if (!next) return;
        lab.next = next;
        return `Nodes ${followersOf(status).map(({ id }) => id).concat(next.id).filter((id) => id !== lab.old.id).sort().join(" and ")} are a majority, and node ${next.id} leads them in term ${next.term}.`;
      },
    },
    {
      look: async (lab) => {
        const alone = { node: lab.old.id, timeoutMs: CUT_OFF_MS };
        lab.write = await lab.refusal(tabraft.put("experiment/part", "alone", alone));
        lab.read = await lab.refusal(tabraft.get("experiment/part", alone));
        await tabraft.put("experiment/part", "after", { node: lab.next.id });
        lab.stale = await tabraft.get("experiment/part", { node: lab.old.id, consistency: "stale" });
        return `The majority took a write. Node ${lab.old.id} refused a write (${lab.write}) and a linearizable read (${lab.read}), and has “${lab.stale}”.`;
      },
    },
    {
      ask: "Heal the network: press Heal all.",
      act: () => tabraft.heal(),
      seen: async (lab, status) => {
        const leader = leaderOf(status);
        const old = nodeOf(status, lab.old.id);
        return leader && old.term === leader.term && old.digest === leader.digest &&
          `Node ${lab.old.id} follows again, in term ${leader.term}.`;
      },
    },
  ],
  outcome: async (lab) => {
    const now = await tabraft.get("experiment/part");
    return [
      {
        theory: "Without a majority nothing is acknowledged.",
        seen: `The write ended with ${lab.write}.`,
        holds: ["TIMEOUT", "NO_LEADER"].includes(lab.write),
      },
      {
        theory: "Without a majority no read is linearizable.",
        seen: `The read ended with ${lab.read}; the stale one gave “${lab.stale}”.`,
        holds: ["TIMEOUT", "NO_LEADER"].includes(lab.read) && lab.stale === "before",
      },
      {
        theory: "What the majority committed holds, wherever one asks.",
        seen: `The key is “${now}” now.`,
        holds: now === "after",
      },
    ];
  },
  after: restore,
};

const APART_MS = 1_500;

export const splitVote = {
  id: "split-vote",
  title: "Nobody gets a majority",
  about:
    "Every node is alone and would be elected by itself only. If each of them began one term after the " +
    "other, the first that is heard again would drive the leader out. So a node first asks whether it " +
    "could win at all (pre-vote), and begins a term only then. Chance decides who asks first.",
  nodes: 3,
  steps: [
    {
      ask: "Cut every node off: on the map, press each number beside Cut off node.",
      before: async (lab) => {
        lab.old = await lab.leader();
      },
      act: async (lab) => {
        await tabraft.partition((await lab.status()).nodes.map(({ id }) => [id]));
      },
      seen: (lab, { nodes }) => {
        const alone = nodes.every(({ role }) => role !== "leader");
        lab.before = Math.max(...nodes.map(({ term }) => term));
        return alone && `Each is alone, and nobody leads. Node ${lab.old.id} heard of no majority and stepped down.`;
      },
    },
    {
      look: async (lab) => {
        await lab.sleep(APART_MS);
        const { nodes } = await lab.status();
        lab.during = Math.max(...nodes.map(({ term }) => term));
        const roles = nodes.map(({ id, role }) => `node ${id} is a ${role}`);
        return `After ${APART_MS / 1_000} s ${roles.join(", ")}. The term is ${lab.during}.`;
      },
    },
    {
      ask: "Heal the network: press Heal all.",
      act: async (lab) => {
        lab.healed = performance.now();
        await tabraft.heal();
      },
      seen: (lab, status) => {
        const leader = leaderOf(status);
        lab.next = leader;
        lab.took = performance.now() - (lab.healed ?? performance.now());
        return leader && `Node ${leader.id} leads in term ${leader.term}.`;
      },
    },
  ],
  outcome: (lab) => {
    const rivals = [...lab.leaders.values()].filter((ids) => ids.size > 1);
    return [
      {
        theory: "A node that could not win begins no term.",
        seen: `The term was ${lab.before} when they parted, and ${lab.during} after ${APART_MS / 1_000} s.`,
        holds: lab.during === lab.before,
      },
      {
        theory: "When they hear each other again, one is elected, in a later term.",
        seen: `Node ${lab.next.id} leads in term ${lab.next.term}${lab.healed ? `, ${ms(lab.took)} later` : ""}.`,
        holds: lab.next.term > lab.before,
      },
      {
        theory: "No term has two leaders.",
        seen: `Leaders were seen in ${lab.leaders.size} terms, one in each.`,
        holds: rivals.length === 0,
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
    {
      look: async (lab) => {
        lab.old = await lab.leader();
        await tabraft.put("experiment/sleep", "before");
        await lab.settled();
        return `Node ${lab.old.id} leads in term ${lab.old.term}.`;
      },
    },
    {
      ask: "Pause the leader: press Pause on its card.",
      act: (lab) => tabraft.pause(lab.old.id),
      seen: (lab, { nodes }) => {
        lab.next = nodes.find(({ id, role, state }) => role === "leader" && state === "running" && id !== lab.old.id);
        return lab.next && `It sleeps. Node ${lab.next.id} leads in term ${lab.next.term}.`;
      },
    },
    {
      look: async (lab) => {
        await tabraft.put("experiment/sleep", "after");
        return "The others took a write that the sleeper knows nothing of.";
      },
    },
    {
      ask: "Wake it: press Resume on its card.",
      // Asked in the same moment, before it can have heard of the others.
      act: async (lab) => {
        const woken = tabraft.resume(lab.old.id);
        const asked = tabraft.get("experiment/sleep", { node: lab.old.id });
        await woken;
        lab.answer = await asked.catch((error) => error.code);
      },
      seen: async (lab, status) => {
        const [leader, old] = [leaderOf(status), nodeOf(status, lab.old.id)];
        if (!leader || old.state !== "running" || old.leader !== leader.id) return;
        lab.answer ??= await tabraft.get("experiment/sleep", { node: lab.old.id });
        lab.role = old.role;
        return `Node ${lab.old.id} follows node ${leader.id}. Asked as it woke, it answered “${lab.answer}”.`;
      },
    },
  ],
  outcome: (lab) => [
    {
      theory: "The others elect a leader while it sleeps.",
      seen: `Node ${lab.next.id} led in term ${lab.next.term}.`,
      holds: lab.next.term > lab.old.term,
    },
    {
      theory: "Woken, it answers no linearizable read from what it had.",
      seen: `It answered “${lab.answer}”.`,
      holds: lab.answer !== "before",
    },
    {
      theory: "It steps down when it hears of the later term.",
      seen: `It is a ${lab.role}.`,
      holds: lab.role === "follower",
    },
  ],
  after: restore,
};

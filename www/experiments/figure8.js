// Figure 8 of the Raft paper: why a leader does not commit entries of earlier terms by counting.

import { settings, settingsBack } from "./hands.js";
import { nodeOf, restore } from "./lab.js";

const KEY = "experiment/figure-8";
/** With an entry so large nothing else fits into its message: the leader's next entry comes after it. */
const LARGE = 1 << 20;
/** Messages on slow links take so many ticks: time to see that one is under way, and to stop the next. */
const SLOW_TICKS = 1;
const TICK_MS_MIN = 150;
/** Shorter than what a leader without a majority takes to step down. */
const WRITE_TICKS = 7;

const TOO_LATE = "This machine was too busy for it, try again:";

/** Each message between any two of these takes a while. */
const slowly = async (lab, ids) => {
  for (const from of ids) {
    for (const to of ids) if (from !== to) await tabraft.link(from, to, { delayMs: lab.slowMs });
  }
};

/** Who leads among these, in a term after that one. */
const newLeader = ({ nodes }, ids, term) =>
  nodes.find((it) => ids.includes(it.id) && it.role === "leader" && it.state === "running" && it.term > term);

/** The term of an entry in a node's log, as its status tells; nothing if it is not there. */
const termAt = (node, index) =>
  index <= node.lastIndex ? node.terms.findLast(([begins]) => begins <= index)?.[1] : undefined;

const list = (ids) => {
  const sorted = [...ids].sort((a, b) => a - b);
  return sorted.length === 1 ? `node ${sorted[0]}` : `nodes ${sorted.slice(0, -1).join(", ")} and ${sorted.at(-1)}`;
};

export const figure8 = {
  id: "figure-8",
  title: "Figure 8: on a majority, and not committed",
  about:
    "An entry of an earlier term is on three of five nodes. It looks committed, and is not: a node that never " +
    "had it can still be elected, and puts another in its place. So a leader counts copies only of entries " +
    "of its own term, and those before come with them. Links are slowed and cut so that it happens here.",
  nodes: 5,
  query: "&tick_ms=200",
  steps: [
    settings(
      // By election timeouts alone, as in the paper.
      { salvage: false, succession: false, revive: "manual" },
      "Under Settings set Salvage and Succession to off, Revive to manual, and press Apply in all tabs.",
      ({ now: { tickMs } }) => {
        if (tickMs < TICK_MS_MIN) {
          throw new Error(`Elections are too quick to be caught with a tick of ${tickMs} ms. Open it in a cluster of its own.`);
        }
      },
    ),
    {
      page:
        "The page takes (a) to (d), for single messages decide there. (a) It writes a small value, cuts the leader " +
        "and one follower off from the rest, and has them take a large one.",
      look: async (lab) => {
        const { tickMs } = lab.now;
        Object.assign(lab, { tickMs, slowMs: SLOW_TICKS * tickMs });
        await tabraft.put(KEY, "before");
        const old = await lab.leader();
        const { nodes, leader: first } = await lab.settled();
        const [other, ...others] = nodes.map(({ id }) => id).filter((id) => id !== first);
        Object.assign(lab, { pair: [first, other], others, term: old.term, index: old.lastIndex + 1 });
        await tabraft.partition([lab.pair, lab.others]);
        const [leader, second] = lab.pair;
        // Three others have no leader and will elect one: none of their messages is to be quick.
        await slowly(lab, lab.others);
        const timeoutMs = WRITE_TICKS * lab.tickMs;
        lab.write = await lab.refusal(tabraft.put(KEY, "x".repeat(LARGE), { node: leader, timeoutMs }));
        await lab.until("the second node has no entry", (status) =>
          lab.pair.every((id) => termAt(nodeOf(status, id), lab.index) === lab.term));
        return `(a) Nodes ${leader} and ${second} were cut off with a write, entry ${lab.index} of term ${lab.term}. It ended with ${lab.write}.`;
      },
    },
    {
      page: "(b) The page waits until one of the other three is elected, and crashes it before its first entry arrives anywhere.",
      look: async (lab) => {
        const rival = await lab.until("nobody is elected", (status) => newLeader(status, lab.others, lab.term));
        // What it sent is on slow links still, and dies with it.
        await tabraft.crash(rival.id);
        Object.assign(lab, { rival: rival.id, rivalTerm: rival.term });
        lab.voters = lab.others.filter((id) => id !== rival.id);
        const status = await lab.status();
        lab.alone = lab.voters.every((id) => nodeOf(status, id).lastIndex < lab.index);
        if (!lab.alone) throw new Error(`${TOO_LATE} node ${rival.id} had sent its entry before it crashed.`);
        return `(b) Node ${rival.id} was elected in term ${rival.term}, began it with an entry ${lab.index} of its own, and crashed before anybody got that.`;
      },
    },
    {
      page:
        "(c) The page joins the pair with a third node. Their leader sends it the entry of (a), and the page stops what " +
        "comes after that.",
      look: async (lab) => {
        lab.third = lab.voters[0];
        await tabraft.partition([[...lab.pair, lab.third]]);
        await slowly(lab, [...lab.pair, lab.third]);
        const leader = await lab.until("nobody is elected", (status) => newLeader(status, lab.pair, lab.rivalTerm));
        Object.assign(lab, { back: leader.id, backTerm: leader.term });
        await lab.until("the third node gets no entry", (status) => nodeOf(status, lab.third).lastIndex >= lab.index);
        // It has the old entry and will say so; the next one must not reach it.
        await tabraft.link(lab.back, lab.third, { lossPct: 100 });
        lab.counted = await lab.until("the leader does not hear of it", (status) => {
          const node = nodeOf(status, lab.back);
          const has = node.progress.filter(({ match }) => match >= lab.index).map(({ id }) => id);
          const { match } = node.progress.find(({ id }) => id === lab.third) ?? {};
          return has.includes(lab.third) && { has, match, commit: node.commit, term: node.term };
        });
        if (lab.counted.match > lab.index) throw new Error(`${TOO_LATE} entry ${lab.index + 1} had gone with the one before it.`);
        return `(c) Node ${lab.back} leads in term ${lab.backTerm}, sent entry ${lab.index} on, and knows that ${list(lab.counted.has)} have it: a majority. Its commit index is ${lab.counted.commit}.`;
      },
    },
    {
      page: "(d) The page crashes that leader and cuts its partner off. It starts the node of (b) among the three, whose log ends in a later term.",
      look: async (lab) => {
        await tabraft.crash(lab.back);
        const rest = lab.pair.filter((id) => id !== lab.back);
        await tabraft.partition([[...lab.others], rest]);
        await tabraft.start(lab.rival);
        lab.last = await lab.until("nobody is elected", (status) => {
          const found = newLeader(status, lab.others, lab.backTerm);
          return found && found.commit >= lab.index && termAt(nodeOf(status, lab.third), lab.index) === lab.rivalTerm && found;
        });
        return `(d) Node ${lab.back} crashed. Node ${lab.last.id} came back, was elected in term ${lab.last.term} by ${list(lab.voters)}, and put its own entry ${lab.index} in the other's place, on node ${lab.third} too.`;
      },
    },
    {
      ask: "Press Heal all on the map, and Start on the card of the node that crashed.",
      act: (lab) => restore(lab),
      seen: async (lab, { nodes }) => {
        const [one] = nodes;
        const equal = nodes.every(({ state, applied, digest }) => state === "running" && applied === one.applied && digest === one.digest);
        if (!equal || one.applied <= lab.index) return;
        lab.terms = new Set(nodes.map((node) => termAt(node, lab.index)));
        lab.value = await tabraft.get(KEY);
        return `All have the same log. Entry ${lab.index} is of term ${[...lab.terms].join(", ")}.`;
      },
      wait: (lab, { nodes }) => {
        const idle = nodes.filter(({ state }) => state !== "running").map(({ id }) => id);
        return idle.length ? `Not running: ${list(idle)}.` : "The logs differ still.";
      },
    },
  ],
  outcome: (lab) => [
    {
      theory: "An entry of an earlier term is not committed because it is on a majority.",
      seen: `The leader of term ${lab.counted.term} knew entry ${lab.index} of term ${lab.term} on ${lab.counted.has.length} of 5 nodes; its commit index was ${lab.counted.commit}.`,
      holds: lab.counted.has.length >= 3 && lab.counted.commit < lab.index && lab.counted.term > lab.term,
    },
    {
      theory: "So it may still be replaced by a node that never had it.",
      seen: `Node ${lab.last.id} was elected, and entry ${lab.index} is of term ${[...lab.terms].join(", ")} now.`,
      holds: lab.alone && lab.last.id === lab.rival && lab.terms.size === 1 && lab.terms.has(lab.rivalTerm),
    },
    {
      theory: "An old entry is committed with one of the leader's own term.",
      seen: `Node ${lab.last.id} committed its entry ${lab.index} of term ${lab.rivalTerm} when it led in term ${lab.last.term}: its commit index was ${lab.last.commit}.`,
      holds: lab.last.commit > lab.index && lab.last.term > lab.rivalTerm,
    },
    {
      theory: "Nobody was told that the lost write was safe.",
      seen: `It ended with ${lab.write}, and the key is ${lab.value === "before" ? "as it was before" : "another"}.`,
      holds: lab.write === "TIMEOUT" && lab.value === "before",
    },
  ],
  after: async (lab) => {
    await settingsBack(lab);
    await restore(lab);
  },
};

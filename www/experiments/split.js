// Votes that are split: two candidates in one term, and what spares nodes hopeless elections.

import { heal } from "./hands.js";
import { areApart, followersOf, leaderOf, ms, nodeOf, restore } from "./lab.js";

/** Messages between the candidates take so many ticks: both vote for themselves before either is asked. */
const SLOW_TICKS = 5;
const APART_MS = 1_500;

/** Who voted for whom in that term. */
const votesIn = ({ nodes }, term) => nodes.filter((it) => it.term === term && it.vote !== 0);

const inWords = (votes) => votes.map(({ id, vote }) => `node ${id} for node ${vote}`).join(", ");

export const splitVote = {
  id: "split-vote",
  title: "A split vote",
  about:
    "Two nodes may campaign in the same term. Each votes for itself, a vote is given once a term, and so " +
    "perhaps nobody gets a majority. Then the term ends without a leader, and election timeouts that differ " +
    "let one node campaign before the others in the next. A node that cannot win begins no term at all: it asks " +
    "first whether it would be elected (PreVote). So a split is made here by a leader that tells both followers to campaign.",
  nodes: 3,
  steps: [
    {
      page:
        "The page slows the followers' messages to each other, cuts their links to the leader, and tells the leader " +
        "to hand over to both of them. That skips PreVote. They must campaign at once, which two presses of a button are too slow for. " +
        "Then it heals the links.",
      look: async (lab) => {
        const { tickMs } = await tabraft.settings();
        const { id, term } = leaderOf(await lab.settled());
        const [a, b] = followersOf(await lab.status()).map((it) => it.id);
        // The leader's own messages arrive; it hears of no candidate and has no vote to give.
        for (const from of [a, b]) await tabraft.link(from, id, { lossPct: 100 });
        for (const [from, to] of [[a, b], [b, a]]) await tabraft.link(from, to, { delayMs: SLOW_TICKS * tickMs });
        // Neither can succeed: the calls end with their time.
        const handOver = (to) => lab.refusal(tabraft.transferLeader(to, { timeoutMs: SLOW_TICKS * tickMs }));
        const over = Promise.all([a, b].map(handOver));
        lab.split = await lab.until("one of them voted for the other: this machine was too busy, try again", (status) => {
          const votes = votesIn(status, nodeOf(status, a).term);
          return votes.length === 2 && votes.every((it) => it.id !== id && it.vote === it.id) && { term: votes[0].term, votes };
        }, 5_000);
        lab.led = term;
        await tabraft.heal();
        await over;
        return `In term ${lab.split.term} two nodes campaigned: ${inWords(lab.split.votes)}. A majority is 2 votes.`;
      },
    },
    {
      look: (lab) =>
        lab.until("nobody is elected", (status) => {
          const leader = leaderOf(status);
          if (!leader || leader.term <= lab.split.term) return;
          lab.resolved = { ...leader, votes: votesIn(status, leader.term).filter(({ vote }) => vote === leader.id) };
          return `Node ${leader.id} leads in term ${leader.term}: ${inWords(lab.resolved.votes)}.`;
        }),
    },
    {
      ask: "Cut every link: on the map, press numbers beside Cut off node until each is marked.",
      before: async (lab) => {
        lab.old = leaderOf(await lab.settled());
      },
      act: async (lab) => {
        await tabraft.partition((await lab.status()).nodes.map(({ id }) => [id]));
      },
      seen: async (lab, { nodes }) => {
        lab.apart = await areApart(nodes.map(({ id }) => id));
        const alone = lab.apart && nodes.every(({ role }) => role !== "leader");
        lab.before = Math.max(...nodes.map(({ term }) => term));
        return alone && `Each is alone, and nobody leads. Node ${lab.old.id} heard of no majority and stepped down.`;
      },
      wait: (lab, { nodes }) => !lab.apart ? "Some links work still." : `${nodes.filter(({ role }) => role === "leader").map(({ id }) => `Node ${id}`).join(", ")} leads still.`,
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
      ...heal((lab, status) => {
        const leader = leaderOf(status);
        lab.next = leader;
        lab.took = performance.now() - (lab.healed ?? performance.now());
        return leader && `Node ${leader.id} leads in term ${leader.term}.`;
      }),
      act: async (lab) => {
        lab.healed = performance.now();
        await tabraft.heal();
      },
    },
  ],
  outcome: (lab) => {
    const { term, votes } = lab.split;
    const leaders = lab.leaders.get(term)?.size ?? 0;
    const rivals = [...lab.leaders.values()].filter((ids) => ids.size > 1);
    return [
      {
        theory: "If the votes are split, the term has no leader.",
        seen: `In term ${term} the votes were: ${inWords(votes)}. ${leaders === 0 ? "Nobody" : "A node"} led in it.`,
        holds: leaders === 0 && votes.length === 2 && term > lab.led,
      },
      {
        theory: "The next election has a majority, in a later term.",
        seen: `Node ${lab.resolved.id} was elected in term ${lab.resolved.term} with ${lab.resolved.votes.length} votes of 3.`,
        holds: lab.resolved.term > term && lab.resolved.votes.length >= 2,
      },
      {
        theory: "With PreVote, a node that could not win begins no term.",
        seen: `The term was ${lab.before} when all were apart, and ${lab.during} after ${APART_MS / 1_000} s.`,
        holds: lab.during === lab.before,
      },
      {
        theory: "When they hear each other again, one is elected, in a later term.",
        seen: `Node ${lab.next.id} leads in term ${lab.next.term}${lab.healed ? `, ${ms(lab.took)} later` : ""}.`,
        holds: lab.next.term > lab.before,
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

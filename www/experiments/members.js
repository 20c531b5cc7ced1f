// Who is a member: nodes that join and leave, and what losing too many of them means.

import { put } from "./hands.js";
import { followersOf, leaderOf, nodeOf, restore } from "./lab.js";

const keys = (count) => (count === 1 ? "1 key" : `${count.toLocaleString("en")} keys`);

export const members = {
  id: "members",
  title: "A node joins, a node leaves",
  about:
    "Members change while the cluster works. A new node begins as a learner, which gets the log and has " +
    "no vote, so that it cannot hold anybody up. It becomes a voter when it has caught up.",
  nodes: 3,
  steps: [
    {
      ask: "Add a node: above the cards, press Add node.",
      before: async (lab) => {
        lab.voters = (await lab.leader()).voters;
      },
      act: async () => {
        await tabraft.addNode();
      },
      seen: (lab, status) => {
        const leader = leaderOf(status);
        lab.joined = leader?.voters.find((id) => !lab.voters.includes(id));
        lab.most = leader?.voters.length;
        return lab.joined && `Node ${lab.joined} is a voter. A majority of ${lab.most} is ${status.quorum}.`;
      },
      wait: (lab, status) => {
        const [learner] = leaderOf(status)?.learners ?? [];
        return learner ? `Node ${learner} is a learner, and has no vote yet.` : `The voters are ${lab.voters.join(", ")}.`;
      },
    },
    put("first", "Put a key: under Write and read, press Put."),
    {
      look: async (lab) => {
        const status = await lab.settled();
        const node = nodeOf(status, lab.joined);
        const leader = leaderOf(status);
        lab.value = await tabraft.get(lab.first.key, { node: node.id, consistency: "stale" });
        lab.has = ["keys", "digest", "applied"].every((name) => node[name] === leader[name]);
        return `Node ${node.id} has all there is: ${keys(leader.keys)}.`;
      },
    },
    {
      ask: "Remove the leader: on the card with the crown open More, press Remove, and confirm.",
      before: async (lab) => {
        lab.old = await lab.leader();
        lab.led = new Set([lab.old.id]);
      },
      act: (lab) => tabraft.removeNode(lab.old.id),
      broken: (lab, status) => {
        const leader = leaderOf(status);
        const gone = leader ? lab.old.voters.filter((id) => !leader.voters.includes(id)) : [];
        if (gone.length > 1) return "More than one node has left. Begin again.";
        // Who leads may have changed meanwhile.
        if (leader && !gone.length) lab.led.add(leader.id);
        if (gone.some((id) => !lab.led.has(id))) return `Node ${gone[0]} has left, and did not lead. Begin again.`;
        if (gone.length) lab.old = { ...lab.old, id: gone[0] };
      },
      seen: (lab, status) => {
        const leader = leaderOf(status);
        lab.next = leader;
        return leader && !leader.voters.includes(lab.old.id) && `Node ${lab.old.id} has left, and node ${leader.id} leads.`;
      },
      wait: (_, { leader }) => `Node ${leader} leads, and is a member.`,
    },
    put("left", "Put a key once more."),
  ],
  outcome: (lab) => [
    {
      theory: "A node that joins gets everything that was ever written.",
      seen: `Node ${lab.joined} ${lab.has ? "has" : "lacks"} what the leader has, and has “${lab.value}” of the last write.`,
      holds: lab.has && lab.value === lab.first.value,
    },
    {
      theory: "The majority is counted among the members of the moment.",
      seen: `There were ${lab.most} voters, then ${lab.next.voters.length}.`,
      holds: lab.most === 4 && lab.next.voters.length === 3,
    },
    {
      theory: "Even the leader can leave, and writes go on.",
      seen: `The write after it is at index ${lab.left.index}, node ${lab.next.id} leads.`,
      holds: lab.left.index > lab.first.index && lab.next.id !== lab.old.id,
    },
  ],
  after: restore,
};

/** Of these nodes, those whose disk this page saw wiped. */
const wiped = async (ids) => {
  const events = await tabraft.events({});
  return ids.filter((id) => events.some(({ text }) => text.startsWith(`Node ${id}'s disk was wiped.`)));
};

const refused = ({ state, problem }) => state === "failed" && problem.includes("forgotten");

export const lostQuorum = {
  id: "lost-quorum",
  title: "A majority lost for good",
  about:
    "Two of three nodes lose their disks. What is left is no majority, and must not go on by itself: it " +
    "cannot know what the others had acknowledged. A snapshot kept as a file begins a new cluster.",
  nodes: 3,
  destroys: true,
  steps: [
    put("kept", "Put a key: under Write and read, press Put."),
    {
      page: "The page saves a snapshot, as Save snapshot does, and keeps the file. One that you save it could not see.",
      look: async (lab) => {
        const status = await lab.settled();
        const leader = leaderOf(status);
        lab.lost = followersOf(status).map(({ id }) => id);
        lab.file = await tabraft.exportSnapshot();
        lab.saved = { keys: leader.keys, index: leader.applied };
        return `A snapshot of ${keys(leader.keys)} was saved: ${lab.file.size.toLocaleString("en")} bytes.`;
      },
    },
    {
      ask: "Put another key, one that is not there yet: it is not in the file.",
      act: () => tabraft.put(`experiment/later-${Date.now()}`, "1"),
      seen: async (lab) => {
        const { nodes, leader } = await lab.settled();
        lab.ended = nodeOf({ nodes }, leader);
        return lab.ended.keys > lab.saved.keys && `The cluster has ${keys(lab.ended.keys)} now.`;
      },
      wait: (lab) => `The cluster has ${keys(lab.saved.keys)}, as the file.`,
    },
    {
      ask: "Stop both followers, then wipe each: on its card open More, press Wipe, and confirm.",
      act: async (lab) => {
        const { nodes } = await lab.status();
        for (const id of lab.lost) {
          if (nodeOf({ nodes }, id).state === "running") await tabraft.stop(id);
          await tabraft.wipe(id);
        }
      },
      seen: async (lab, status) => {
        lab.wiped = await wiped(lab.lost);
        const gone = lab.lost.every((id) => nodeOf(status, id).state !== "running");
        lab.left = status.nodes.find(({ id }) => !lab.lost.includes(id));
        return gone && lab.wiped.length === lab.lost.length && `Node ${lab.left.id} is left of three.`;
      },
      wait: (lab) => {
        const left = lab.lost.filter((id) => !lab.wiped.includes(id));
        return left.length ? `Not wiped yet: node ${left.join(", node ")}.` : "Both are wiped.";
      },
    },
    {
      ask: "Start both again: press Start on their cards. Then the page tries a write.",
      act: (lab) => Promise.all(lab.lost.map((id) => lab.refusal(tabraft.start(id)))),
      seen: async (lab, status) => {
        lab.back = lab.lost.map((id) => nodeOf(status, id));
        if (!lab.back.every(({ state }) => state === "running" || state === "failed")) return;
        lab.write = await lab.refusal(tabraft.put("experiment/alone", "1", { timeoutMs: 1_500 }));
        return lab.back.every(refused)
          ? `Both are refused: “${lab.back[0].problem}” A write ended with ${lab.write}.`
          : `A node runs that had been wiped. A write ended with ${lab.write}.`;
      },
      wait: (lab) => {
        const idle = lab.back.filter(({ state }) => state !== "running" && state !== "failed");
        return `Not started yet: node ${idle.map(({ id }) => id).join(", node ")}.`;
      },
    },
    {
      page: "The page makes a new cluster from the file that it kept, as Restore from file does.",
      look: async (lab) => {
        const name = `restored-${Date.now().toString(36)}`;
        lab.made = await tabraft.restore(lab.file, { cluster: name });
        return `A new cluster “${name}” was made from the file. It opens at ?cluster=${name}.`;
      },
    },
  ],
  outcome: async (lab) => {
    const { id, commit } = nodeOf(await lab.status(), lab.left.id);
    return [
      {
        theory: "A node that forgot its vote does not vote again under its old id.",
        seen: `Started again, ${lab.back.filter(refused).length} of ${lab.back.length} were refused.`,
        holds: lab.back.every(refused),
      },
      {
        theory: "So what is left is a minority, and acknowledges and commits nothing.",
        seen: `A write ended with ${lab.write}. Node ${id} had committed up to ${lab.left.commit}, and has up to ${commit}.`,
        holds: ["TIMEOUT", "NO_LEADER"].includes(lab.write) && commit === lab.left.commit,
      },
      {
        theory: "The file brings back what there was when it was saved, and nothing later.",
        seen: `It was saved with ${keys(lab.saved.keys)} and lost with ${lab.ended.keys}. The new cluster has ${lab.made.keys}, of index ${lab.made.index}.`,
        holds: lab.made.keys === lab.saved.keys && lab.made.index >= lab.kept.index && lab.made.index < lab.ended.applied,
      },
    ];
  },
};

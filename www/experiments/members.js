// Who is a member: nodes that join and leave, and what losing too many of them means.

import { followersOf, leaderOf, nodeOf, restore } from "./lab.js";

export const members = {
  id: "members",
  title: "A node joins, a node leaves",
  about:
    "Members change while the cluster works. A new node begins as a learner, which gets the log and has " +
    "no vote, so that it cannot hold anybody up. It becomes a voter when it has caught up.",
  nodes: 3,
  steps: [
    {
      ask: "Add a node: press Add node.",
      before: async (lab) => {
        lab.voters = (await lab.leader()).voters;
      },
      act: async (lab) => {
        await tabraft.addNode();
      },
      seen: (lab, status) => {
        const leader = leaderOf(status);
        lab.joined = leader?.voters.find((id) => !lab.voters.includes(id));
        lab.most = leader?.voters.length;
        return lab.joined && `Node ${lab.joined} is a voter. A majority of ${lab.most} is ${status.quorum}.`;
      },
    },
    {
      look: async (lab) => {
        await tabraft.put("experiment/joined", "1");
        const status = await lab.settled();
        lab.has = nodeOf(status, lab.joined).keys === leaderOf(status).keys;
        return `Node ${lab.joined} has all ${leaderOf(status).keys} keys.`;
      },
    },
    {
      ask: "Remove the leader: More on its card, then Remove.",
      before: async (lab) => {
        lab.old = await lab.leader();
      },
      act: (lab) => tabraft.removeNode(lab.old.id),
      seen: (lab, status) => {
        const leader = leaderOf(status);
        lab.next = leader;
        return leader && !leader.voters.includes(lab.old.id) && `Node ${lab.old.id} has left, and node ${leader.id} leads.`;
      },
    },
    {
      look: async (lab) => {
        lab.write = await lab.refusal(tabraft.put("experiment/left", "1"));
        return `A write was ${lab.write}.`;
      },
    },
  ],
  outcome: (lab) => [
    {
      theory: "A node that joins gets everything that was ever written.",
      seen: `Node ${lab.joined} ${lab.has ? "has" : "lacks"} what the leader has.`,
      holds: lab.has,
    },
    {
      theory: "The majority is counted among the members of the moment.",
      seen: `There were ${lab.most} voters, then ${lab.next.voters.length}.`,
      holds: lab.most === 4 && lab.next.voters.length === 3,
    },
    {
      theory: "Even the leader can leave, and writes go on.",
      seen: `The write after it was ${lab.write}.`,
      holds: lab.write === "acknowledged",
    },
  ],
};

export const lostQuorum = {
  id: "lost-quorum",
  title: "A majority lost for good",
  about:
    "Two of three nodes lose their disks. What is left is no majority, and must not go on by itself: it " +
    "cannot know what the others had acknowledged. A snapshot kept as a file begins a new cluster.",
  nodes: 3,
  destroys: true,
  steps: [
    {
      look: async (lab) => {
        lab.value = `kept ${Date.now()}`;
        await tabraft.put("experiment/kept", lab.value);
        lab.file = await tabraft.exportSnapshot();
        lab.lost = followersOf(await lab.settled()).map(({ id }) => id);
        return `A snapshot was saved: ${lab.file.size.toLocaleString("en")} bytes.`;
      },
    },
    {
      ask: "Stop both followers, then wipe each: More, Wipe.",
      act: async (lab) => {
        for (const id of lab.lost) {
          await tabraft.stop(id);
          await tabraft.wipe(id);
        }
      },
      seen: async (lab, status) => {
        const gone = lab.lost.every((id) => nodeOf(status, id).state !== "running");
        if (!gone) return;
        lab.write = await lab.refusal(tabraft.put("experiment/alone", "1", { timeoutMs: 1_500 }));
        return `One node is left. A write ended with ${lab.write}.`;
      },
    },
    {
      look: async (lab) => {
        lab.codes = await Promise.all(lab.lost.map((id) => lab.refusal(tabraft.start(id))));
        return `Started again, the emptied nodes are refused: ${lab.codes.join(", ")}.`;
      },
    },
    {
      look: async (lab) => {
        const name = `restored-${Date.now().toString(36)}`;
        lab.made = await tabraft.restore(lab.file, { cluster: name });
        return `A new cluster “${name}” was made from the file. It opens at ?cluster=${name}.`;
      },
    },
  ],
  outcome: (lab) => [
    {
      theory: "A minority acknowledges nothing.",
      seen: `The write ended with ${lab.write}.`,
      holds: ["TIMEOUT", "NO_LEADER"].includes(lab.write),
    },
    {
      theory: "A node that forgot its vote does not vote again under its old id.",
      seen: `Starting them ended with ${lab.codes.join(", ")}.`,
      holds: lab.codes.every((code) => code !== "acknowledged"),
    },
    {
      theory: "The file brings the pairs back, in a cluster with a new identity.",
      seen: `It has ${lab.made.keys} keys.`,
      holds: lab.made.keys > 0,
    },
  ],
};

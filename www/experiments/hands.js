// Steps that several experiments share. Each is for a person, with the page's own controls.

import { caughtUp, followersOf, leaderOf, nodeOf } from "./lab.js";

/** How `entry` tells a put; its key is what stands in the first quotation marks. */
const PUT = /^put “(.*?)” = “/s;
/** Entries that are looked at for it: the newest ones. */
const LOOKED_AT = 8;

/** The newest put among the leader's entries after `from`: its index and key; nothing if there is none. */
export const putAfter = async (status, from) => {
  const leader = nodeOf(status, status.leader);
  if (!leader) return;
  for (let index = leader.applied; index > Math.max(from, leader.applied - LOOKED_AT); index--) {
    const told = await tabraft.entry(index).catch(() => []);
    const key = PUT.exec(told.find(({ node }) => node === leader.id)?.text ?? "")?.[1];
    if (key !== undefined) return { index, key };
  }
};

/**
 * Something is put, which `lab[name]` tells then: index, key and value. `again` is the name of an earlier
 * one that is to get another value; `broken` is as in any step.
 */
export const put = (name, ask, { again, broken } = {}) => ({
  ask,
  broken,
  before: async (lab) => {
    lab.from = (await lab.leading()).applied;
  },
  act: (lab) => tabraft.put(again ? lab[again].key : `experiment/${name}`, `${name} ${Date.now()}`),
  seen: async (lab, status) => {
    const found = await putAfter(status, lab.from);
    if (!found || (again && found.key !== lab[again].key)) return;
    const value = await tabraft.get(found.key, { node: status.leader, consistency: "stale" });
    if (again && value === lab[again].value) return;
    lab[name] = { ...found, value };
    return `The key ${found.key} is “${value}”, at index ${found.index}.`;
  },
  wait: (lab) => (again ? `The key is ${lab[again].key}, and is “${lab[again].value}” still.` : "Nothing was put yet."),
});

/** How the page calls the settings that are changed here. */
const LABELS = {
  snapshotEntries: "Snapshot entries",
  catchupEntries: "Catch-up entries",
  salvage: "Salvage",
  succession: "Succession",
  revive: "Revive",
};

/** Settings are changed, which `settingsBack` takes back; `before` may refuse those that there are, `lab.now`. */
export const settings = (wanted, ask, before) => ({
  ask,
  before: async (lab) => {
    lab.now = await tabraft.settings();
    await before?.(lab);
    const were = Object.keys(wanted).map((name) => [name, lab.now[name]]);
    lab.settings = { ...Object.fromEntries(were), ...lab.settings };
    lab.keep();
  },
  act: () => tabraft.configure(wanted),
  seen: async (lab) => {
    lab.now = await tabraft.settings();
    return Object.entries(wanted).every(([name, value]) => lab.now[name] === value) && "In force, in all tabs.";
  },
  wait: (lab) => {
    const wrong = Object.entries(wanted).filter(([name, value]) => lab.now[name] !== value);
    const switched = (value) => (value === true ? "on" : value === false ? "off" : value);
    return `${wrong.map(([name, value]) => `${LABELS[name]} is ${switched(lab.now[name])}, not ${switched(value)}`).join("; ")}.`;
  },
});

export const settingsBack = async (lab) => {
  if (lab.settings) await tabraft.configure(lab.settings);
};

/** A snapshot after so many entries, in the experiments on the log. */
export const ENTRIES = 200;

export const shortLog = settings(
  { snapshotEntries: ENTRIES, catchupEntries: 50 },
  `Under Settings set Snapshot entries to ${ENTRIES} and Catch-up entries to 50, and press Apply in all tabs.`,
);

/** Writes `count` keys, 64 at a time. */
const fill = async (prefix, count) => {
  for (let n = 0; n < count; n += 64) {
    const some = Array.from({ length: Math.min(64, count - n) }, (_, k) => `${prefix}/${n + k}`);
    await Promise.all(some.map((key) => tabraft.put(key, "x".repeat(64))));
  }
};

const MANY = 5 * ENTRIES;

/** So much is written that `follows` gives a sentence on what follows from it; `missing` says that it does not yet. */
export const writeMany = (prefix, missing, follows, broken) => ({
  broken,
  ask: `Write ${MANY.toLocaleString("en")} entries: under Load and speed press Start, and Stop when this step says so.`,
  before: async (lab) => {
    lab.mark = (await lab.leader()).lastIndex;
  },
  act: () => fill(prefix, MANY),
  seen: async (lab, status) => {
    const leader = leaderOf(status);
    if (!leader) return;
    lab.written = leader.lastIndex - lab.mark;
    const came = lab.written >= MANY && follows(lab, status, leader);
    lab.enough = Boolean(came);
    // What goes on would keep the nodes from being equal.
    return !(await tabraft.loadFigures())?.running && came;
  },
  wait: ({ enough, written = 0 }) => {
    if (enough) return "It is enough. Under Load and speed press Stop.";
    const soFar = `${written.toLocaleString("en")} of ${MANY.toLocaleString("en")} entries`;
    return written < MANY ? `${soFar}.` : `${soFar}, but ${missing}.`;
  },
});

/** A follower is stopped, `lab[name]`. */
export const stopFollower = (name) => ({
  ask: "Stop a follower: press Stop on a card without the crown.",
  act: async (lab) => {
    await lab.leader();
    await tabraft.stop(followersOf(await lab.status())[0].id);
  },
  seen: (lab, { nodes }) => {
    lab[name] = nodes.find(({ member, state }) => member && state === "stopped");
    return lab[name] && `Node ${lab[name].id} is stopped. Its log ends at ${lab[name].lastIndex}.`;
  },
  wait: () => "All nodes run.",
});

/** Node `lab[name]` is started; `told` gives a sentence once it has the leader's state. */
export const start = (name, ask, told) => ({
  ask,
  act: async (lab) => {
    const { id } = lab[name];
    if (nodeOf(await lab.status(), id).state !== "running") await tabraft.start(id);
  },
  seen: (lab, status) => {
    const { id } = lab[name];
    lab.equal = caughtUp(status, id);
    return lab.equal && told(lab, nodeOf(status, id), status);
  },
  wait: (lab, status) => {
    const { id, state } = nodeOf(status, lab[name].id);
    return state === "running" ? `Node ${id} runs, and catches up.` : `Node ${id} does not run.`;
  },
});

/** Whether this host of a node has ended: it does not run, or another one does. */
export const hasEnded = (status, { id, epoch }) => {
  const node = nodeOf(status, id);
  return node.state !== "running" || node.epoch !== epoch;
};

/** Why a cluster that is to go on without a node cannot. */
export const noMajority = (_, { nodes, quorum }) => {
  const running = nodes.filter(({ member, state }) => member && state === "running");
  const of = nodes.filter(({ member }) => member).length;
  return running.length < quorum && `${running.length} of ${of} nodes run, which is no majority. Begin again.`;
};

/** The leader is crashed, which is `lab[name]`; `seen` and `broken` as in any step, from then on. */
export const crashLeader = (name, ask, seen, broken) => ({
  ask,
  broken,
  before: async (lab) => {
    lab[name] = await lab.leader();
  },
  act: (lab) => tabraft.crash(lab[name].id),
  seen: (lab, status) => hasEnded(status, lab[name]) && seen(lab, status),
  wait: (lab, status) => (hasEnded(status, lab[name]) ? "It has crashed." : `Node ${lab[name].id} leads, and runs.`),
});

/** Links that were cut work again, and `seen` gives a sentence once the nodes have found together. */
export const heal = (seen) => ({
  ask: "Heal the network: on the map, press Heal all.",
  act: () => tabraft.heal(),
  seen,
  wait: () => "Nodes are still apart, or have not found together yet.",
});

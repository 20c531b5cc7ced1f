// What experiments are made with, and what runs them. They use nothing but `window.tabraft`.
//
// An experiment is an object:
//
//   id, title    the name in the address (`?experiment=id`), and the one on the page
//   about        a few sentences: what is asked, and why it matters
//   nodes        members it needs; `query` for what a cluster of its own needs besides
//   destroys     whether it runs in a cluster of its own only, which is of no use afterwards
//   steps        in order, each one of these:
//                  { ask, act(lab), seen(lab, status), wait(lab, status) }
//                                       for a person: `ask` says what to do and where, and `act` does
//                                       it; `seen` gives a sentence once it shows, and until then
//                                       `wait`, which need not be there, one on what is missing;
//                                       `broken(lab, status)`, too, gives a sentence once what earlier
//                                       steps made is so no more, which ends the experiment
//                  { page, look(lab) }  the page acts, since a person could not: `page` says what it
//                                       does and why; `look` does it and gives a sentence
//                  { look(lab) }        the page looks only, and gives a sentence
//                  `before(lab)` of any is run first; it only looks
//   outcome(lab) rows of { theory, seen, holds }: what should be so, what was, and whether
//   after(lab)   mends what it broke, however it ended

const EVERY_MS = 60;
const PATIENCE_MS = 30_000;
/** What is about to start, or to be revived, has so long before it counts as stopped. */
const READY_MS = 2_000;

/** How the names of clusters begin that were made for an experiment. */
export const OWN = "try-";

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** A person ended the experiment. */
export class Stopped extends Error {
  name = "Stopped";
  code = "STOPPED";
}

/** What a person says while an experiment runs: that it is to end, that the page is to take a step. */
export class Guidance {
  #ending = new AbortController();
  #asked = false;

  get signal() {
    return this.#ending.signal;
  }

  stop() {
    this.#ending.abort();
  }

  /** The page is to take the step that is waited for. */
  help() {
    this.#asked = true;
  }

  /** Whether the page was asked since this was last called. */
  wasAsked() {
    const asked = this.#asked;
    this.#asked = false;
    return asked;
  }
}

/** Where this tab keeps what runs, for the page that a reload makes of it. */
const UNDER_WAY = "tabraft.experiment";

/** A browser that stores nothing forgets it with the page. */
const keep = (record) => {
  try {
    record ? sessionStorage.setItem(UNDER_WAY, JSON.stringify(record)) : sessionStorage.removeItem(UNDER_WAY);
  } catch (error) {
    console.warn(`tabraft: a reload would forget the experiment: ${error.message}`);
  }
};

const kept = () => {
  try {
    return JSON.parse(sessionStorage.getItem(UNDER_WAY)) ?? {};
  } catch {
    return {};
  }
};

/** What was under way when the page before this one ended: the cluster, the title, settings as they were. */
let left = kept();

export const cutShort = () => (left.cluster === new URLSearchParams(location.search).get("cluster") ? left.title : undefined);

/** What one run of an experiment sees and remembers. */
export class Lab {
  /** The leaders seen so far: a set of ids for each term. */
  leaders = new Map();
  /** Settings as they were before it changed them. */
  settings;
  #signal;
  #title;

  constructor(signal, title) {
    this.#signal = signal;
    this.#title = title;
  }

  /** Has a reload remember what there is to put back. */
  keep() {
    keep({ cluster: new URLSearchParams(location.search).get("cluster"), title: this.#title, settings: this.settings });
  }

  /** From now on it is not stopped: what was begun is put back. */
  goOn() {
    this.#signal = new AbortController().signal;
  }

  /** The status after every running replica was asked. */
  async status() {
    if (this.#signal.aborted) throw new Stopped("It was stopped.");
    const status = await tabraft.status();
    for (const { id, role, state, term } of status.nodes) {
      if (role !== "leader" || state !== "running") continue;
      if (!this.leaders.has(term)) this.leaders.set(term, new Set());
      this.leaders.get(term).add(id);
    }
    return status;
  }

  /** Looks at the status until `wanted` gives something, and returns that. */
  async until(what, wanted, patience = PATIENCE_MS) {
    const end = performance.now() + patience;
    for (;;) {
      const found = await wanted(await this.status());
      if (found) return found;
      if (performance.now() > end) throw new Error(`Waited ${patience / 1000} s in vain: ${what}.`);
      await sleep(EVERY_MS);
    }
  }

  /** Waits for a leader whom all running members follow, and returns its status. */
  leader() {
    return this.until("no leader", leaderOf);
  }

  /** Waits for a node that leads, whoever follows it, and returns its status. */
  leading() {
    return this.until("no leader", (status) => nodeOf(status, status.leader));
  }

  /** Waits until all members run and are equal, and returns the status. */
  settled() {
    return this.until("the nodes do not agree", (status) => isSettled(status) && status);
  }

  /** The code of the error that a call ends with; "acknowledged" if it does not. */
  refusal(call) {
    return call.then(() => "acknowledged", (error) => error.code ?? String(error));
  }

  /** In how many milliseconds a write is acknowledged. */
  async writes(key, value = "1") {
    const began = performance.now();
    await tabraft.put(key, value, { timeoutMs: PATIENCE_MS });
    return performance.now() - began;
  }

  sleep(ms) {
    return sleep(ms);
  }
}

/** The leader's status if all running members follow it. */
export const leaderOf = ({ leader, nodes }) => {
  const found = nodes.find(({ id, role, state }) => id === leader && role === "leader" && state === "running");
  const follows = (it) => it.state !== "running" || !it.member || (it.leader === leader && it.term === found.term);
  return found && nodes.every(follows) ? found : undefined;
};

/** Whether all members run and are equal. */
const isSettled = (status) => {
  const leader = leaderOf(status);
  const equal = ({ member, state, applied, digest }) =>
    !member || (state === "running" && applied === leader.lastIndex && digest === leader.digest);
  return Boolean(leader) && status.nodes.every(equal);
};

/** Whether no message passes between any two of these. */
export const areApart = async (ids) => {
  const cut = (await tabraft.links()).filter(({ fault }) => fault.lossPct === 100);
  return ids.every((a) => ids.every((b) => a === b || cut.some(({ from, to }) => from === a && to === b)));
};

/** Whether no message passes between this one and any other. */
export const isCutOff = async (id, { nodes }) => {
  const others = nodes.filter((node) => node.member && node.id !== id);
  const apart = await Promise.all(others.map((other) => areApart([id, other.id])));
  return apart.every(Boolean);
};

export const nodeOf = ({ nodes }, id) => nodes.find((node) => node.id === id);

/** Members that run and do not lead. */
export const followersOf = ({ leader, nodes }) =>
  nodes.filter(({ id, member, state }) => id !== leader && member && state === "running");

/** Whether a node runs and has the leader's state. */
export const caughtUp = (status, id) => {
  const [leader, node] = [leaderOf(status), nodeOf(status, id)];
  return Boolean(leader) && node.state === "running" && node.applied === leader.applied && node.digest === leader.digest;
};

export const ms = (time) => `${Math.max(1, Math.round(time)).toLocaleString("en")} ms`;

/** Starts what does not run, and heals all links. */
export const restore = async (lab) => {
  await tabraft.heal();
  await lab.until("the nodes do not agree", async (status) => {
    // Again and again: one may be on its way to a stop that was asked for.
    for (const { id, member, state } of status.nodes) {
      if (!member || state === "running") continue;
      const code = await lab.refusal(state === "paused" ? tabraft.resume(id) : tabraft.start(id));
      // Another tab, or a revival, may have been first.
      if (!["acknowledged", "ALREADY_RUNNING"].includes(code)) throw new Error(`Node ${id} does not start: ${code}.`);
    }
    return isSettled(status);
  });
};

/** What is in the way of an experiment, in a sentence; nothing if nothing is. */
const inTheWay = async ({ nodes }) => {
  const idle = nodes.find(({ member, state }) => member && state !== "running");
  if (idle) return `Node ${idle.id} is ${idle.state}. ${idle.state === "paused" ? "Resume" : "Start"} it first.`;
  if ((await tabraft.links()).length > 0) return "Some links do not work. On the map press Heal all first.";
  if ((await tabraft.loadFigures())?.running) return "The load generator runs. Under Load and speed press Stop first.";
};

/** Waits until the cluster is as an experiment may find it. */
const ready = async (lab) => {
  const end = performance.now() + READY_MS;
  for (;;) {
    const found = await inTheWay(await lab.status());
    if (!found) return lab.settled();
    if (performance.now() > end) throw new Error(found);
    await sleep(EVERY_MS);
  }
};

/** Puts back what the experiment had changed that a reload cut short. */
export const mend = async () => {
  const lab = new Lab(new AbortController().signal);
  if (left.settings) await tabraft.configure(left.settings);
  await restore(lab);
  left = {};
  keep();
};

/** Takes a step, or waits until a person has; asked for help, takes it all the same. */
const take = async (lab, step, byItself, guidance, tell) => {
  // What was said of the step before does not count.
  guidance.wasAsked();
  if (byItself) await step.act(lab);
  let told;
  const look = async (status) => {
    if (!byItself && guidance.wasAsked()) {
      tell("now", "The page takes this step.");
      await step.act(lab);
      // Pressed once more meanwhile.
      guidance.wasAsked();
      return;
    }
    const broken = await step.broken?.(lab, status);
    if (broken) throw new Error(broken);
    const seen = await step.seen(lab, status);
    const missing = seen ? told : step.wait?.(lab, status) || "Not seen yet.";
    if (missing !== told) tell("now", (told = missing));
    return seen;
  };
  return lab.until("the step did not show", look, byItself ? PATIENCE_MS : Infinity);
};

/**
 * Runs an experiment. With `byItself` it takes the steps; else it waits until a person has, or has said
 * by the `guidance` that the page is to. `tell` hears of each step: its number, "now" or "done", and a
 * sentence: what is missing, what was seen. Returns the outcome's rows.
 */
export const run = async (experiment, byItself, tell, guidance) => {
  const lab = new Lab(guidance.signal, experiment.title);
  const { cluster, nodes } = await lab.status();
  const members = nodes.filter(({ member }) => member).length;
  if (members !== experiment.nodes) {
    throw new Error(
      `It needs a cluster of ${experiment.nodes} members, and this one has ${members}. Open it in a cluster of its own.`,
    );
  }
  if (experiment.destroys && !cluster.startsWith(OWN)) {
    throw new Error("It would leave this cluster of no use. Open it in a cluster of its own.");
  }
  tell(0, "now", "Waiting until all nodes run and agree.");
  await ready(lab);
  lab.keep();
  try {
    for (const [n, step] of experiment.steps.entries()) {
      tell(n, "now", "");
      await step.before?.(lab);
      const seen = step.look
        ? await step.look(lab)
        : await take(lab, step, byItself, guidance, (state, words) => tell(n, state, words));
      tell(n, "done", seen);
    }
    return await experiment.outcome(lab);
  } finally {
    lab.goOn();
    await experiment.after?.(lab);
    left = {};
    keep();
  }
};

// The library of experiments, as `window.tabraftExperiments`. In the console:
//
//   tabraftExperiments.add({ id: "mine", title: "Mine", about: "...", nodes: 3, steps: [...], outcome: ... })
//
// `lab.js` says what an experiment is.

import { compaction, aWrite, farBehind, salvage } from "./log.js";
import { damagedLog, fullDisk, twoNodes } from "./disks.js";
import { firstElection, leaderCrash, pausedLeader, staleLeader } from "./elections.js";
import { figure8 } from "./figure8.js";
import { sameId } from "./hosts.js";
import { Guidance, OWN, cutShort, mend, run } from "./lab.js";
import { lostQuorum, members } from "./members.js";
import { splitVote } from "./split.js";

const library = [
  leaderCrash,
  firstElection,
  aWrite,
  splitVote,
  staleLeader,
  pausedLeader,
  compaction,
  farBehind,
  members,
  salvage,
  figure8,
  twoNodes,
  sameId,
  fullDisk,
  damagedLog,
  lostQuorum,
];

/** Who takes a step: a person, or the page in a person's place, or nobody, where one only looks. */
const taker = ({ act, page }) => (act ? "person" : page ? "page" : "nobody");

let running;
let ended = Promise.resolve();

globalThis.tabraftExperiments = {
  /** What there is, for a list. */
  list: () =>
    library.map(({ id, title, about, nodes, query = "", destroys = false, steps }) => ({
      id,
      title,
      about,
      // A cluster of that name is new each time.
      link: `?cluster=${OWN}${id}-${Date.now().toString(36)}&nodes=${nodes}${query}&experiment=${id}`,
      elsewhere: destroys && !(new URLSearchParams(location.search).get("cluster") ?? "").startsWith(OWN),
      steps: steps.map((step) => ({ taker: taker(step), words: step.ask ?? step.page ?? "" })),
    })),

  /** One of them, as it is written: to read, or to make another of. */
  of: (id) => library.find((it) => it.id === id),

  /** Puts one of a person's own before the others; one of the same id takes the other's place. */
  add: (experiment) => {
    for (const name of ["id", "title", "about", "nodes", "steps", "outcome"]) {
      if (experiment?.[name] === undefined) throw new TypeError(`An experiment needs ${name}.`);
    }
    for (const { ask, act, seen, look } of experiment.steps) {
      if (!look && !(ask && act && seen)) throw new TypeError("A step needs ask, act and seen, or look.");
    }
    const same = library.findIndex(({ id }) => id === experiment.id);
    if (same >= 0) library.splice(same, 1);
    library.unshift(experiment);
    dispatchEvent(new Event("tabraftexperiments"));
  },

  /** Runs one, and stops the one before. See `run` in lab.js. */
  run: async (id, byItself = true, tell = () => {}) => {
    const experiment = tabraftExperiments.of(id);
    if (!experiment) throw new Error(`There is no experiment ${id}.`);
    running?.stop();
    const mine = (running = new Guidance());
    const outcome = ended.then(() => run(experiment, byItself, tell, mine));
    // The next one waits until this one has put the cluster back.
    ended = outcome.catch(() => {});
    return outcome;
  },

  /** Takes the step that waits for a person. */
  help: () => running?.help(),

  /** The title of the one that a reload cut short, if what it had changed was not put back since. */
  cutShort,

  /** Puts back what that one had changed. */
  mend: () => {
    ended = ended.then(mend);
    return ended;
  },

  /** Ends what runs, by its `after`. */
  stop: () => running?.stop(),
};
dispatchEvent(new Event("tabraftexperiments"));

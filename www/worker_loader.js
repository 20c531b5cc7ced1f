// A replica's worker. The page sends the program first, compiled once for all its workers; whatever
// it says after that is heard by the program. Without one the worker compiles its own.
import start from "./worker.js";

const load = ({ data }) => start({ module_or_path: data.program }).catch(reportError);
addEventListener("message", load, { once: true });

// A replica's worker. The page sends the program first, compiled once for all its workers; whatever
// it says after that is heard by the program. Without one the worker compiles its own. The query
// says of which build: that of the page.
const build = location.search;
const loading = import(`./worker.js${build}`);

const load = async ({ data }) => {
  try {
    const { default: start } = await loading;
    await start({ module_or_path: data.program ?? new URL(`worker_bg.wasm${build}`, location.href) });
  } catch (error) {
    reportError(error);
  }
};
addEventListener("message", load, { once: true });

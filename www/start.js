// Starts the page's program, whose files Trunk has named in the page, and looks after versions
// when the page is open and has nothing else to do.
const meta = (name) => document.querySelector(`meta[name=${name}]`);
const build = meta("build").content;
if (build) {
  // Held by the page for as long as it is open: so long the files of its build are kept.
  navigator.locks?.request(`tabraft-page:${build}`, { mode: "shared" }, () => new Promise(() => {}));
}

const program = meta("program");
const here = (name) => new URL(name, document.baseURI);
// Compiled as it arrives, beside its JavaScript; and the browser opens its store of databases meanwhile.
// Where a server calls the file something else than WebAssembly, the program is loaded in its own way.
const wasm = here(program.dataset.wasm);
const compiled = WebAssembly.compileStreaming(fetch(wasm)).catch(() => wasm);
try {
  self.indexedDB?.databases?.().catch(() => {});
} catch {
  // The program says what is wrong with the browser's storage.
}
const { default: start } = await import(here(program.content));
await start({ module_or_path: await compiled });

if (build && navigator.serviceWorker) {
  // What keeps the page from opening is told by the page.
  await window.tabraft?.ready.catch(() => {});
  const idle = window.requestIdleCallback ?? ((then) => setTimeout(then, 1000));
  idle(async () => (await import(here(`version.js?build=${build}`))).watch(build));
}

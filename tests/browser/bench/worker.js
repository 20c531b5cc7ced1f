// Starts a worker of `args.source`, kept until the page goes, gives it `args.task`, and waits for
// its answer.
const url = URL.createObjectURL(new Blob([args.source], { type: "text/javascript" }));
const worker = new Worker(url);
(harness.workers ??= []).push(worker);
return new Promise((done, fail) => {
  worker.onmessage = ({ data }) => (data.error ? fail(new Error(data.error)) : done(data.ok));
  worker.onerror = (event) => fail(new Error(event.message));
  worker.postMessage(args.task);
});

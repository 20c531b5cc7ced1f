// In a worker: waits for others.
onmessage = ({ data }) => setTimeout(() => postMessage(data.n), data.ms);

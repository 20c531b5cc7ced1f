// In a tab that hosts replica `args`: it dies and is started again by a word from the client's tab,
// so that the client's tab stays in front. Answers when that was.
const host = (harness.host = new BroadcastChannel("bench"));
host.onmessage = async ({ data }) => {
  if (data.id !== args) return;
  const at = wallMs();
  try {
    await tabraft[data.act](args);
    host.postMessage({ done: data.act, at });
  } catch (error) {
    host.postMessage({ error: error.message });
  }
};

// The client of a failover: puts under way all the time, and when each term's first was
// acknowledged.
const failover = (harness.failover = { running: true, firsts: {}, term: 0, acked: 0, failed: [], keys: new Set() });
const lane = async (name) => {
  for (let n = 0; failover.running; n++) {
    const key = `failover/${name}/${n % 100}`;
    try {
      const { term } = await tabraft.put(key, String(n).padEnd(256, "x"), { timeoutMs: 30_000 });
      failover.firsts[term] ??= wallMs();
      failover.term = Math.max(failover.term, term);
      failover.acked++;
      failover.keys.add(key);
    } catch (error) {
      failover.failed.push(error.message);
      if (failover.failed.length > 100) failover.running = false;
    }
  }
};
failover.over = Promise.all(Array.from({ length: args }, (_, name) => lane(name)));
failover.host = new BroadcastChannel("bench");

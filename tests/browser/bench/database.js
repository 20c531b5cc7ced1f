// What a page does without tabraft: one put, one transaction, plain or by Dexie.
const ringOf = (task) => (n) => `bench/${n % task.ring}`;
const valueOf = ({ valueBytes }) => (n) => `${n}:`.padEnd(valueBytes, "x");

const plain = async (task) => {
  const database = await new Promise((done, fail) => {
    const opening = indexedDB.open("plain");
    opening.onupgradeneeded = () => opening.result.createObjectStore("pairs");
    opening.onsuccess = () => done(opening.result);
    opening.onerror = () => fail(opening.error);
  });
  const [key, value] = [ringOf(task), valueOf(task)];
  const figures = await measure(task, (n) => new Promise((done, fail) => {
    const transaction = database.transaction("pairs", "readwrite", { durability: task.durability });
    transaction.objectStore("pairs").put(value(n), key(n));
    transaction.oncomplete = done;
    transaction.onabort = () => fail(transaction.error);
  }));
  const keys = await new Promise((done) => {
    database.transaction("pairs").objectStore("pairs").count().onsuccess = ({ target }) => done(target.result);
  });
  database.close();
  return { ...figures, keys };
};

const byDexie = async (task) => {
  const database = new Dexie("dexie", { chromeTransactionDurability: task.durability });
  database.version(1).stores({ pairs: "" });
  const pairs = database.table("pairs");
  const [key, value] = [ringOf(task), valueOf(task)];
  await database.open();
  const figures = await measure(task, (n) => pairs.put(value(n), key(n)));
  const keys = await pairs.count();
  database.close();
  return { ...figures, keys };
};

onmessage = async ({ data }) => {
  try {
    postMessage({ ok: await (data.dexie ? byDexie : plain)(data) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};

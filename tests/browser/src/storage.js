// Reads a database of this origin past tabraft: all rows of all its stores, bytes as their
// SHA-256, so that a single changed bit shows. With `raise`, raises the owner's epoch in the same
// transaction, as another host's opening does.
const { name, raise } = args;
const done = (request) => new Promise((ok, fail) => {
  request.onsuccess = () => ok(request.result);
  request.onerror = () => fail(request.error);
});
const opening = indexedDB.open(name);
// A database that is not there is not made.
opening.onupgradeneeded = () => opening.transaction.abort();
const database = await done(opening);
const stores = [...database.objectStoreNames];
const transaction = database.transaction(stores, raise ? "readwrite" : "readonly");
const over = new Promise((ok, fail) => {
  transaction.oncomplete = ok;
  transaction.onabort = () => fail(transaction.error);
});
const read = Object.fromEntries(stores.map((store) => {
  const rows = transaction.objectStore(store);
  return [store, [done(rows.getAllKeys()), done(rows.getAll())]];
}));
if (raise) {
  const owner = transaction.objectStore("owner");
  const epoch = await done(owner.get("epoch"));
  owner.put(epoch + 1, "epoch");
}
await over;
const hex = (bytes) => Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
const plain = async (value) => {
  const isBytes = value instanceof ArrayBuffer || ArrayBuffer.isView(value);
  if (!isBytes) return JSON.stringify(value);
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", value)));
};
const found = {};
for (const [store, [keys, values]] of Object.entries(read)) {
  const [names, bodies] = [await keys, await values];
  found[store] = await Promise.all(names.map(async (key, n) => [String(key), await plain(bodies[n])]));
}
database.close();
return found;

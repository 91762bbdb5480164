// The till's own database: what it is, what it downloaded, what it did. Money is written with strict durability.
//
// meta          device, former (devices that this till was, with their counters), download, reference, counters, attempts,
//               contact (of the server, with how far this clock is from its), has_to_ask (what the server said before a copy), by name
// operations    all that was done here, by op_id; never changed but for what the server answered
// installments  and customers twice, in the generations 0 and 1: a download fills the one that is not shown

import { openSession } from "./domain/session.js";
import { openDB } from "./vendor/idb.js";

const NAME = "quita-till";
const VERSION = 1;
const STRICT = { durability: "strict" };

/** Open the till's database; `onBlocked` is told when another tab holds an older one. */
export function openStore({ onBlocked = () => {} } = {}) {
  return openDB(NAME, VERSION, {
    upgrade(db) {
      db.createObjectStore("meta");
      const operations = db.createObjectStore("operations", { keyPath: "op_id" });
      operations.createIndex("sequence", ["device_id", "seq"], { unique: true });
      for (const generation of [0, 1]) {
        db.createObjectStore(`installments${generation}`, { keyPath: "id" });
        db.createObjectStore(`customers${generation}`, { keyPath: "id" });
      }
    },
    blocked: onBlocked,
    blocking: (_now, _next, event) => event.target.close(),
  });
}

/** Read one entry of meta, or `otherwise`. */
export async function readMeta(db, name, otherwise = null) {
  return (await db.get("meta", name)) ?? otherwise;
}

/** Write one entry of meta, durably. */
export async function writeMeta(db, name, value) {
  const transaction = db.transaction("meta", "readwrite", STRICT);
  transaction.store.put(value, name);
  await transaction.done;
}

export class ChangedMeanwhile extends Error {}

/**
 * Commit an operation before anything is printed or said. `make({seq, receipt_sequence})` gives {op_id, kind, occurred_at, body};
 * `expectedSeq` is the number that the screen was drawn for: another tab, or a second Enter, may have used it, or this till may be
 * another device by now (ChangedMeanwhile, nothing written). Rises as the database does where there is no room: nothing was taken.
 */
export async function commitOperation(db, device_id, make, { expectedSeq }) {
  const transaction = db.transaction(["operations", "meta"], "readwrite", STRICT);
  const meta = transaction.objectStore("meta");
  const [device, counters] = await Promise.all([meta.get("device"), meta.get("counters")]);
  if (device?.device_id !== device_id || expectedSeq !== counters.next_seq) {
    transaction.abort();
    await transaction.done.catch(() => {});
    throw new ChangedMeanwhile();
  }
  const said = make({ seq: counters.next_seq, receipt_sequence: counters.next_receipt });
  const operation = { ...said, device_id, seq: counters.next_seq, v: 1, custody: null, result: null, delivered_at: null };
  await transaction.objectStore("operations").add(operation);
  meta.put(
    { next_seq: counters.next_seq + 1, next_receipt: counters.next_receipt + (said.kind === "receipt" ? 1 : 0) },
    "counters",
  );
  await transaction.done;
  return operation;
}

/** Give every operation of a device in the order of its seq. */
export function readOperations(db, device_id) {
  return db.getAllFromIndex("operations", "sequence", allOf(device_id));
}

/** Give the operations of several devices, device by device, and the number that the next one gets, as of one moment. */
export async function readDone(db, device_ids) {
  const transaction = db.transaction(["operations", "meta"]);
  const index = transaction.objectStore("operations").index("sequence");
  const [counters, ...done] = await Promise.all([
    transaction.objectStore("meta").get("counters"), ...device_ids.map((device_id) => index.getAll(allOf(device_id))),
  ]);
  return { done, next_seq: counters?.next_seq };
}

const allOf = (device_id) => IDBKeyRange.bound([device_id, 0], [device_id, Infinity]);

/** Note what the server answered, by op_id: custody only ever grows, a result is the server's latest word. */
export async function noteAnswers(db, answers, now) {
  const transaction = db.transaction("operations", "readwrite", STRICT);
  for (const { op_id, custody, ...result } of answers) {
    const operation = op_id && (await transaction.store.get(op_id));
    if (operation) transaction.store.put(answered(operation, { custody, result, now }));
  }
  await transaction.done;
}

function answered(operation, { custody, result, now }) {
  const word = custody && custody !== "refused" ? custody : operation.custody ?? custody ?? null;
  const first = operation.custody && operation.custody !== "refused" ? operation.custody : word;
  const told = result.state ? result : operation.result;
  const told_at = told?.state === operation.result?.state ? operation.told_at ?? now : now;
  return { ...operation, custody: first, result: told, told_at, delivered_at: operation.delivered_at ?? (custody ? now : null) };
}

/** Forget that the server had custody of the last days' operations: it was restored and asks for them again. */
export async function offerAgain(db, device_id, since) {
  const transaction = db.transaction("operations", "readwrite", STRICT);
  for (const operation of await transaction.store.getAll()) {
    if (operation.device_id === device_id && operation.delivered_at >= since) {
      transaction.store.put({ ...operation, custody: null, delivered_at: null });
    }
  }
  await transaction.done;
}

/**
 * Forget operations delivered before that moment (milliseconds). What the server refused stays, and so does what is not settled
 * here: a session that is still open, with all that came after its opening.
 */
export async function forgetDelivered(db, { before }) {
  const transaction = db.transaction(["operations", "meta"], "readwrite");
  const store = transaction.objectStore("operations");
  const device = await transaction.objectStore("meta").get("device");
  for (const operation of forgettable(await store.getAll(), { before, device_id: device?.device_id })) store.delete(operation.op_id);
  await transaction.done;
}

function forgettable(operations, { before, device_id }) {
  const session = openSession(operations.filter((each) => each.device_id === device_id).sort((one, other) => one.seq - other.seq));
  const from = operations.find((each) => session && each.body.session_id === session.session_id && each.kind === "session_open")?.seq;
  const isKept = (each) => each.custody === null || each.custody === "refused" || (each.device_id === device_id && each.seq >= from);
  return operations.filter((each) => !isKept(each) && each.delivered_at < before);
}

// The download

/** Empty the generation that is not shown. */
export async function clearGeneration(db, generation) {
  const stores = [`installments${generation}`, `customers${generation}`];
  const transaction = db.transaction(stores, "readwrite");
  for (const store of stores) transaction.objectStore(store).clear();
  await transaction.done;
}

/** Add rows to a generation. */
export async function addRows(db, generation, { installments, customers }) {
  const transaction = db.transaction([`installments${generation}`, `customers${generation}`], "readwrite");
  for (const row of installments) transaction.objectStore(`installments${generation}`).put(row);
  for (const row of customers) transaction.objectStore(`customers${generation}`).put(row);
  await transaction.done;
}

export class CopyBroken extends Error {}

/**
 * Show a generation, in one transaction with what belongs to it and with the rows counted where they are kept: a half download
 * never replaces a whole one (CopyBroken).
 */
export async function showGeneration(db, { download, reference, expected }) {
  const names = ["installments", "customers"];
  const stores = names.map((name) => `${name}${download.generation}`);
  const transaction = db.transaction([...stores, "meta"], "readwrite", STRICT);
  const counts = await Promise.all(stores.map((store) => transaction.objectStore(store).count()));
  if (names.some((name, at) => counts[at] !== expected[name])) {
    transaction.abort();
    await transaction.done.catch(() => {});
    throw new CopyBroken();
  }
  transaction.objectStore("meta").put(download, "download");
  transaction.objectStore("meta").put(reference, "reference");
  await transaction.done;
}

/** Read what is shown, and what is told of it, as of one moment: {download, reference, installments, customers}. */
export async function readShown(db) {
  const transaction = db.transaction(["meta", "installments0", "installments1", "customers0", "customers1"]);
  const meta = transaction.objectStore("meta");
  const [download, reference] = await Promise.all([meta.get("download"), meta.get("reference")]);
  if (!download) return { download: null, reference: null, installments: [], customers: [] };
  const [installments, customers] = await Promise.all([
    transaction.objectStore(`installments${download.generation}`).getAll(),
    transaction.objectStore(`customers${download.generation}`).getAll(),
  ]);
  return { download, reference, installments, customers };
}

/**
 * Apply changes to the shown generation together with their cursor: only higher versions, `gone` rows leave.
 * `download` and `reference` are what meta will hold.
 */
export async function applyRows(db, { installments, customers, download, reference }) {
  const { generation } = download;
  const names = [`installments${generation}`, `customers${generation}`];
  const transaction = db.transaction([...names, "meta"], "readwrite");
  await upsert(transaction.objectStore(names[1]), customers);
  await upsert(transaction.objectStore(names[0]), installments);
  transaction.objectStore("meta").put(download, "download");
  transaction.objectStore("meta").put(reference, "reference");
  await transaction.done;
}

async function upsert(store, rows) {
  for (const row of rows) {
    const known = await store.get(row.id);
    if (row.gone) store.delete(row.id);
    else if (!known || row.version >= known.version) store.put(row);
  }
}

/** Forget what was downloaded (a stolen till is told to); operations stay. */
export async function wipeDownload(db) {
  await Promise.all([clearGeneration(db, 0), clearGeneration(db, 1)]);
  const transaction = db.transaction("meta", "readwrite", STRICT);
  transaction.store.delete("download");
  transaction.store.delete("reference");
  await transaction.done;
}

const FIRST = { next_seq: 1, next_receipt: 1 };

/**
 * Become a device. A new one counts from one and has nothing downloaded; the device that this till was before keeps its queue, its
 * token and its numbers, which are its own again should it come back.
 */
export async function becomeDevice(db, device) {
  const transaction = db.transaction("meta", "readwrite", STRICT);
  const { before, former, counters } = await identity(transaction);
  if (before?.device_id === device.device_id) {
    transaction.store.put({ ...before, next_token: null, ...device }, "device");
  } else {
    const known = former.find((each) => each.device_id === device.device_id);
    const others = former.filter((each) => each !== known);
    transaction.store.put(before ? [...others, { ...before, counters }] : others, "former");
    transaction.store.put({ first_seq: known?.first_seq, ...device }, "device");
    transaction.store.put(known?.counters ?? FIRST, "counters");
    transaction.store.delete("download");
    transaction.store.delete("reference");
  }
  await transaction.done;
}

/** Stop being a device: it joins the former ones, which still deliver; the download goes. */
export async function leaveDevice(db) {
  const transaction = db.transaction("meta", "readwrite", STRICT);
  const { before, former, counters } = await identity(transaction);
  if (before) transaction.store.put([...former, { ...before, counters }], "former");
  transaction.store.delete("device");
  await transaction.done;
  await wipeDownload(db);
}

async function identity({ store }) {
  const [before, former, counters] = await Promise.all(["device", "former", "counters"].map((name) => store.get(name)));
  return { before, former: former ?? [], counters: counters ?? FIRST };
}

/** Write what changed about a device, wherever it stands by now: the present one or a former one. */
export async function amendDevice(db, device_id, changes) {
  const transaction = db.transaction("meta", "readwrite", STRICT);
  const { before, former } = await identity(transaction);
  const amended = (each) => (each.device_id === device_id ? { ...each, ...changes } : each);
  if (before) transaction.store.put(amended(before), "device");
  transaction.store.put(former.map(amended), "former");
  await transaction.done;
}

// What a window of the till takes from the others, and from the database that they share.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Till } from "../../pos_sync/static/till/till.js";

const SHOWN = { generation: 1, as_of: "2026-11-21T12:00:00.000+00:00", through_seq: 1, applied_above: [] };
const LATER = { ...SHOWN, as_of: "2026-11-21T12:00:15.000+00:00", through_seq: 2 };

/** Give the copy that a window shows once it has heard of another. */
async function after(shown, detail) {
  const till = new Till();
  till.download = shown;
  await till.hear({ name: "copy", detail });
  return till.download;
}

test("each window learns of a pull that moved no row", async () => assert.deepEqual(await after(SHOWN, LATER), LATER));
test("an earlier word than that of the rows that are shown counts nothing", async () => {
  assert.deepEqual(await after(LATER, SHOWN), LATER);
});
test("what is told of another copy than the one that is shown counts nothing", async () => {
  assert.deepEqual(await after({ ...SHOWN, generation: 0 }, LATER), { ...SHOWN, generation: 0 });
  assert.equal(await after(null, LATER), null);
});

globalThis.IDBKeyRange = { bound: ([device_id]) => device_id };

/** A database in which another window records something after each look that is taken at it. */
function busyDatabase() {
  let seq = 0;
  const look = () => {
    const operations = Array.from({ length: seq }, (_, at) => ({ seq: at + 1, kind: "cash_in", body: {} }));
    const counters = { next_seq: seq + 1 };
    seq += 1;
    return { get: async () => counters, getAll: async (device_id) => (device_id === "now" ? operations : []) };
  };
  const transaction = () => {
    const seen = look();
    return { objectStore: () => ({ ...seen, index: () => seen }) };
  };
  return { transaction, get: () => look().get(), getAllFromIndex: (_store, _index, device_id) => look().getAll(device_id) };
}

test("what was done and the number of what comes next are of one moment, whatever another window records", async () => {
  const till = Object.assign(new Till(), { db: busyDatabase(), device: { device_id: "now" }, former: [{ device_id: "before" }] });
  for (let look = 0; look < 2; look += 1) {
    await till.readOperations();
    assert.deepEqual([till.operations.length, till.formerOperations], [till.next_seq - 1, []]);
  }
});

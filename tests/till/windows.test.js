// What a window of the till takes from the one that synchronises.
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

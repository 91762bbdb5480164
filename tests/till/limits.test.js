// What stands against a receipt before money is taken: ceilings, age of the data, what the server says of this till.
import assert from "node:assert/strict";
import { test } from "node:test";

import { judgeAge, judgeReceipt } from "../../pos_sync/static/till/domain/limits.js";

const OFFLINE = { max_receipt_cents: 50000, max_pending_cents: 80000, warn_age_hours: 24, stop_age_hours: 168 };
const AS_OF = "2026-11-21T12:00:00Z";
const codes = (said) =>
  judgeReceipt({ amount_cents: 100, pending_cents: 0, as_of: AS_OF, now: "2026-11-21T13:00:00Z", offline: OFFLINE, is_offline: true, ...said })
    .map((each) => `${each.code}:${each.level}`);

test("a receipt within the limits needs nobody", () => assert.deepEqual(codes({}), []));
test("a receipt at a ceiling passes, a cent above it asks for a supervisor", () => {
  assert.deepEqual(codes({ amount_cents: 50000 }), []);
  assert.deepEqual(codes({ amount_cents: 50001 }), ["receipt_above:supervisor"]);
  assert.deepEqual(codes({ amount_cents: 1, pending_cents: 80000 }), ["pending_above:supervisor"]);
});
test("what is pending warns from four fifths of its ceiling on", () => {
  assert.deepEqual(codes({ amount_cents: 1, pending_cents: 63998 }), []);
  assert.deepEqual(codes({ amount_cents: 1, pending_cents: 63999 }), ["pending_near:warn"]);
  assert.deepEqual(codes({ amount_cents: 1, pending_cents: 79999 }), ["pending_near:warn"]);
});
test("old data warn, too old data stop", () => {
  assert.deepEqual(codes({ now: "2026-11-22T12:00:00Z" }), ["data_old:warn"]);
  assert.deepEqual(codes({ now: "2026-11-28T12:00:00Z" }), ["data_too_old:stop"]);
  assert.equal(judgeAge(AS_OF, "2027-11-21T12:00:00Z", { warn_age_hours: null, stop_age_hours: null }), "fresh");
});
test("with a connection there is no ceiling", () => {
  assert.deepEqual(codes({ is_offline: false, amount_cents: 10 ** 9, now: "2027-11-21T12:00:00Z" }), []);
});
test("a suspended till asks for a supervisor and has its ceilings, connected or not", () => {
  assert.deepEqual(codes({ is_offline: false, trouble: "device_suspended" }), ["device_suspended:supervisor"]);
  assert.deepEqual(codes({ is_offline: false, trouble: "device_suspended", amount_cents: 50001 }), [
    "device_suspended:supervisor", "receipt_above:supervisor",
  ]);
});
test("a till that the server does not accept any more takes nothing", () => {
  for (const trouble of ["device_revoked", "device_replaced", "unknown_token"]) {
    assert.deepEqual(codes({ is_offline: false, trouble }), ["device_refused:stop"]);
  }
});
test("a passing trouble of the server stops nobody", () => assert.deepEqual(codes({ is_offline: false, trouble: "rate_limited" }), []));

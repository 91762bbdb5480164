import assert from "node:assert/strict";
import { test } from "node:test";

import { standingOf, weighing, weighingOfFormer } from "../../pos_sync/static/till/domain/overlay.js";

const ROW = {
  id: "7", balance_cents: 10000, due_date: "2026-12-05", interest_from: "2026-12-05", fine_charged: false, carried_charges_cents: 0,
};
const TERMS = { interest_percent: "1.00", interest_per: "month30", fine_percent: "2.00", max_discount_percent: "5.00", allow_partial: true };

const receipt = (seq, principal_cents) => ({
  op_id: `r${seq}`, seq, kind: "receipt", occurred_at: "2026-11-21T10:00:00-03:00",
  body: { lines: [{ installment_id: "7", principal_cents, interest_cents: 0, fine_cents: 0, discount_cents: 0 }] },
});
const voiding = (seq, of) => ({ op_id: `v${seq}`, seq, kind: "receipt_void", body: { receipt_op_id: of } });
const balance = (operations, progress) =>
  standingOf(ROW, weighing(operations, progress), { terms: TERMS, holidays: new Set() }).balance_cents;

const NOTHING = { through_seq: 0, applied_above: [] };

test("own receipts are taken off until the server's row contains them", () => {
  const operations = [receipt(1, 3000), receipt(2, 2000)];
  assert.equal(balance(operations, NOTHING), 5000);
  assert.equal(balance(operations, { through_seq: 1, applied_above: [] }), 8000);
  assert.equal(balance(operations, { through_seq: 2, applied_above: [] }), 10000);
});

test("a receipt applied above a gap is not taken off twice", () => {
  assert.equal(balance([receipt(1, 3000), receipt(3, 2000)], { through_seq: 0, applied_above: [3] }), 7000);
});

test("a voided receipt weighs nothing", () => assert.equal(balance([receipt(1, 3000), voiding(2, "r1")], NOTHING), 10000));

test("a balance never falls below zero", () => assert.equal(balance([receipt(1, 9000), receipt(2, 9000)], NOTHING), 0));

test("a receipt of another installment changes nothing", () => {
  const other = receipt(1, 3000);
  other.body.lines[0].installment_id = "8";
  assert.equal(balance([other], NOTHING), 10000);
});

const AS_OF = { as_of: "2026-11-21T12:00:00Z" };
const former = (said) => weighingOfFormer([{ ...receipt(1, 3000), custody: null, result: null, ...said }], AS_OF).length;

test("what this till received as a former device weighs until the server has judged it and the copy is newer", () => {
  assert.equal(former({}), 1);
  assert.equal(former({ custody: "stored", result: { state: "pending" }, told_at: 0 }), 1);
  assert.equal(former({ custody: "stored", result: { state: "applied" }, told_at: Date.parse(AS_OF.as_of) + 1 }), 1);
  assert.equal(former({ custody: "stored", result: { state: "applied" }, told_at: Date.parse(AS_OF.as_of) }), 0);
  assert.equal(weighingOfFormer([{ ...receipt(1, 3000), custody: null }, voiding(2, "r1")], AS_OF).length, 0);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { owedOf, standingOf, undone, undoneOfFormer, weighing, weighingOfFormer } from "../../pos_sync/static/till/domain/overlay.js";

const ROW = {
  id: "7", amount_cents: 15000, balance_cents: 10000, due_date: "2026-12-05", interest_from: "2026-12-05", fine_charged: false, carried_charges_cents: 0,
};
const TERMS = { interest_percent: "1.00", interest_per: "month30", fine_percent: "2.00", max_discount_percent: "5.00", allow_partial: true };

const RULES = { terms: TERMS, holidays: new Set() };

const receipt = (seq, principal_cents) => ({
  op_id: `r${seq}`, seq, kind: "receipt", occurred_at: "2026-11-21T10:00:00-03:00",
  body: { lines: [{ installment_id: "7", principal_cents, interest_cents: 0, fine_cents: 0, discount_cents: 0 }] },
});
const voiding = (seq, of) => ({ op_id: `v${seq}`, seq, kind: "receipt_void", body: { receipt_op_id: of } });
const balance = (operations, progress) =>
  standingOf(ROW, { undone: undone(operations, progress), receipts: weighing(operations, progress) }, RULES).balance_cents;

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

const CONTAINED = { through_seq: 1, applied_above: [] };
const judged = (state, line) => ({ state, outcome: { lines: [{ ...receipt(1, 3000).body.lines[0], ...line }] } });

test("a void that the rows do not contain gives back what they contain, once", () => {
  const operations = [receipt(1, 3000), voiding(2, "r1")];
  assert.equal(balance(operations, CONTAINED), 13000);
  assert.equal(balance(operations, { through_seq: 2, applied_above: [] }), 10000);
  assert.equal(balance([...operations, receipt(3, 13000)], CONTAINED), 0);
});

test("a void gives back what the server had posted, never more than was issued", () => {
  const after = (result) => balance([{ ...receipt(1, 3000), result }, voiding(2, "r1")], CONTAINED);
  assert.equal(after(judged("applied", { discount_cents: 500 })), 13500);
  assert.equal(after(judged("review", { principal_cents: 1000 })), 11000);
  assert.equal(after({ state: "pending", outcome: null }), 13000);
  assert.equal(after({ state: "quarantined", outcome: null }), 10000);
  assert.equal(after(judged("applied", { principal_cents: 9000 })), 15000);
});

test("the void of a former device gives back as long as the server has not judged it", () => {
  const operations = [{ ...receipt(1, 3000), custody: "stored", result: { state: "applied" }, told_at: 0 }, { ...voiding(2, "r1"), custody: null }];
  assert.equal(undoneOfFormer(operations, AS_OF).length, 1);
  operations[1] = { ...operations[1], custody: "stored", result: { state: "applied" }, told_at: 0 };
  assert.equal(undoneOfFormer(operations, AS_OF).length, 0);
});

const OVERDUE = { ...ROW, due_date: "2026-11-03", interest_from: "2026-11-03", balance_cents: 15000 };
const without = (receipts, row) => standingOf(row, { undone: receipts, receipts: [] }, RULES);
const having = (row, receipts) => standingOf(row, { undone: [], receipts }, RULES);

/** Receive on a day what a row owed then. */
function received(row, seq, { day, ...line }) {
  const made = receipt(seq, 0);
  const lines = [{ ...made.body.lines[0], ...line }];
  return { ...made, occurred_at: `2026-11-${day}T10:00:00-03:00`, body: { lines }, memo: { rows: { 7: { owed: owedOf(row) } } } };
}

test("a part payment that is taken back leaves the charges as they were before it", () => {
  const first = received(OVERDUE, 1, { day: 13, fine_cents: 300, interest_cents: 50, principal_cents: 4650 });
  const once = having(OVERDUE, [first]);
  const second = received(once, 2, { day: 21, interest_cents: 28, principal_cents: 1972 });
  const twice = having(OVERDUE, [first, second]);
  assert.equal(twice.balance_cents, 8378);
  assert.deepEqual(without([second], twice), once);
  assert.deepEqual(without([second, first], twice), OVERDUE);
});

test("charges count from a later payment, also once the one before it was taken back", () => {
  const first = received(OVERDUE, 1, { day: 13, fine_cents: 300, interest_cents: 50, principal_cents: 4650 });
  const since = having(having(OVERDUE, [first]), [received(OVERDUE, 2, { day: 13, principal_cents: 1000 })]);
  assert.deepEqual(without([first], since), { ...since, balance_cents: 14000 });
});

test("a payment of charges alone gives them back", () => {
  const only = received(OVERDUE, 1, { day: 13, fine_cents: 100 });
  assert.deepEqual(without([only], having(OVERDUE, [only])), OVERDUE);
});

// What a customer pays, spread over the ticked installments; the server then decides the same of these lines (decide.py).
import assert from "node:assert/strict";
import { test } from "node:test";

import { allocate, discountIn } from "../../pos_sync/static/till/domain/allocate.js";
import { standingAfter } from "../../pos_sync/static/till/domain/charges.js";

const TERMS = { max_discount_percent: "5.00" };
const row = (id, charged, balance_cents = 100000) => ({
  id, version: 1, balance_cents, terms: TERMS, due_date: "2026-09-01", interest_from: "2026-09-01", fine_charged: false, carried_charges_cents: 0,
  charges: { late: charged > 0, interest_cents: charged, fine_cents: 0, carried_cents: 0, total_cents: charged },
});
const line = (installment_id, said) => ({
  installment_id, version: 1, principal_cents: 0, interest_cents: 0, fine_cents: 0, discount_cents: 0, ...said,
});
const ROWS = [row("a", 4667), row("b", 4000)];

test("a discount on the whole goes to the rows in order, each up to its limit", () => {
  assert.deepEqual(allocate(ROWS, { received_cents: 201667, discount_cents: 7000 }), [
    line("a", { principal_cents: 95000, interest_cents: 4667, discount_cents: 5000 }),
    line("b", { principal_cents: 98000, interest_cents: 4000, discount_cents: 2000 }),
  ]);
});

test("a row that the money does not reach gets neither discount nor line", () => {
  assert.deepEqual(allocate(ROWS, { received_cents: 50000, discount_cents: 10000 }), [
    line("a", { principal_cents: 45333, interest_cents: 4667, discount_cents: 5000 }),
  ]);
  const early = [row("a", 0), row("b", 0)];
  assert.equal(discountIn(allocate(early, { received_cents: 50000, discount_cents: 10000 })), 5000);
});

test("money that ends within the charges grants no discount, and the rest of the charges is carried", () => {
  const [only] = allocate([row("a", 5000)], { received_cents: 2000, discount_cents: 5000 });
  assert.deepEqual(only, line("a", { interest_cents: 2000 }));
  const { charges, ...standing } = row("a", 5000);
  assert.equal(standingAfter(standing, only, { charges, on: "2026-11-21" }).carried_charges_cents, 3000);
});

test("whatever part is paid, no charge is waived that the money did not reach", () => {
  for (let received_cents = 1; received_cents < 201667; received_cents += 977) {
    const lines = allocate(ROWS, { received_cents, discount_cents: 7000 });
    assert.equal(lines.reduce((sum, each) => sum + each.principal_cents + each.interest_cents, 0), received_cents);
    for (const each of lines.filter((said) => said.principal_cents + said.discount_cents > 0)) {
      assert.equal(each.interest_cents, ROWS.find(({ id }) => id === each.installment_id).charges.total_cents);
    }
  }
});

test("a discount may settle the last row alone where its terms allow so much", () => {
  const free = { ...row("b", 0), terms: { max_discount_percent: "100.00" } };
  assert.equal(discountIn(allocate([row("a", 0), free], { received_cents: 95000, discount_cents: 105000 })), 105000);
});

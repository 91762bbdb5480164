import assert from "node:assert/strict";
import { test } from "node:test";

import { chargesDue, discountLimit, impute, standingAfter } from "../../pos_sync/static/till/domain/charges.js";
import { vectors } from "./vectors.js";

for (const { name, installment, terms, holidays, on, expected } of vectors("charges.json", "charges")) {
  test(`charges: ${name}`, () => {
    assert.deepEqual(chargesDue(installment, { terms, holidays: new Set(holidays), on }), expected);
  });
}

for (const { name, balance_cents, max_discount_percent, expected_cents } of vectors("charges.json", "discount_limits")) {
  test(`discount limit: ${name}`, () => assert.equal(discountLimit(balance_cents, { max_discount_percent }), expected_cents));
}

for (const { name, received_cents, discount_cents, balance_cents, charges, expected } of vectors("charges.json", "imputations")) {
  test(`imputation: ${name}`, () => {
    assert.deepEqual(impute(received_cents, { discount_cents, balance_cents, charges }), expected);
  });
}

const STANDING = {
  balance_cents: 100000, due_date: "2026-10-05", interest_from: "2026-10-05", fine_charged: false, carried_charges_cents: 0,
};
const CHARGES = { late: true, interest_cents: 1000, fine_cents: 2000, carried_cents: 0, total_cents: 3000 };
const LINE = { principal_cents: 0, interest_cents: 0, fine_cents: 0, discount_cents: 0 };
const after = (line) => standingAfter(STANDING, { ...LINE, ...line }, { charges: CHARGES, on: "2026-11-04" });

test("a part that reached the principal waives the other charges and interest counts from it", () => {
  assert.deepEqual(after({ fine_cents: 2000, interest_cents: 500, principal_cents: 1 }), {
    ...STANDING, balance_cents: 99999, interest_from: "2026-11-04", fine_charged: true,
  });
});

test("a part that paid charges only carries the rest of them", () => {
  assert.equal(after({ fine_cents: 1500 }).carried_charges_cents, 1500);
});

test("nothing is carried once nothing is owed", () => {
  assert.deepEqual(after({ principal_cents: 100000, interest_cents: 1000 }).carried_charges_cents, 0);
});

// Spreading what a customer pays over the ticked installments: the oldest first, each its charges before its principal.

import { discountLimit, impute } from "./charges.js";

/** Give the largest discount of an installment: the terms' limit on its balance. */
export function discountOf(row) {
  return discountLimit(row.balance_cents, row.terms);
}

/**
 * Make a receipt's lines. `rows`: ticked installments with balance_cents, charges, terms, id, version; in the order of payment.
 * Discounts go to the rows in order, each up to its limit, where the money reaches the principal; a row that nothing reaches gets
 * no line.
 */
export function allocate(rows, { received_cents, discount_cents = 0 }) {
  let money = received_cents;
  let discount = discount_cents;
  const lines = [];
  for (const row of rows) {
    const granted = grant(row, { money, discount });
    const { excess_cents, ...paid } = impute(money, { discount_cents: granted, balance_cents: row.balance_cents, charges: row.charges });
    discount -= paid.discount_cents;
    money = excess_cents;
    if (Object.values(paid).some((cents) => cents > 0)) lines.push({ installment_id: row.id, version: row.version, ...paid });
  }
  return lines;
}

/** What settles a part of the balance waives the charges that are left (G.16): they are paid before a discount is granted. */
function grant(row, { money, discount }) {
  const granted = Math.min(discount, discountOf(row));
  const left = money - row.charges.total_cents;
  return left > 0 || (left === 0 && granted === row.balance_cents) ? granted : 0;
}

/** Add up the discount that lines grant, in cents. */
export function discountIn(lines) {
  return lines.reduce((sum, line) => sum + line.discount_cents, 0);
}

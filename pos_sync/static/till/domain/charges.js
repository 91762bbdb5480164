// Late interest, fine, discount limit and imputation in cents, the same as the server's (G.16, G.17, tests/wire/charges.json).

import { daysBetween, payableUntil } from "./calendar.js";
import { fraction, halfUp } from "./money.js";

const DIVISOR = { day: 100n, month30: 3000n };

/**
 * Give what is due above the balance for a receipt on a day: {late, interest_cents, fine_cents, carried_cents, total_cents}.
 * `standing`: {balance_cents, due_date, interest_from, fine_charged, carried_charges_cents}; `holidays`: a Set of days.
 */
export function chargesDue(standing, { terms, holidays, on }) {
  const late = on > payableUntil(standing.due_date, holidays);
  const carried_cents = standing.carried_charges_cents;
  const interest_cents = late ? interest(standing, terms, on) : 0;
  const fine_cents = late && !standing.fine_charged ? percentOf(standing.balance_cents, terms.fine_percent) : 0;
  return { late, interest_cents, fine_cents, carried_cents, total_cents: interest_cents + fine_cents + carried_cents };
}

function interest(standing, terms, on) {
  const from = standing.interest_from > standing.due_date ? standing.interest_from : standing.due_date;
  const days = Math.max(0, daysBetween(from, on));
  const [percent, scale] = fraction(terms.interest_percent);
  return halfUp(BigInt(standing.balance_cents) * percent * BigInt(days), scale * DIVISOR[terms.interest_per]);
}

function percentOf(cents, decimal) {
  const [percent, scale] = fraction(decimal);
  return halfUp(BigInt(cents) * percent, scale * 100n);
}

/** Give the largest discount in cents that the terms allow on a balance. */
export function discountLimit(balanceCents, terms) {
  return percentOf(balanceCents, terms.max_discount_percent);
}

/** Divide cents received: fine, then interest with the carried charges, then principal (G.16, art. 354); the rest is excess. */
export function impute(receivedCents, { discount_cents = 0, balance_cents, charges }) {
  const fine_cents = Math.min(receivedCents, charges.fine_cents);
  const interest_cents = Math.min(receivedCents - fine_cents, charges.interest_cents + charges.carried_cents);
  const granted = Math.min(discount_cents, balance_cents);
  const principal_cents = Math.min(receivedCents - fine_cents - interest_cents, balance_cents - granted);
  const excess_cents = receivedCents - fine_cents - interest_cents - principal_cents;
  return { principal_cents, interest_cents, fine_cents, discount_cents: granted, excess_cents };
}

/** Give what is owed after a line was paid on a day; a payment that reached no principal carries the other charges. */
export function standingAfter(standing, line, { charges, on }) {
  const settled = line.principal_cents + line.discount_cents;
  const balance_cents = Math.max(0, standing.balance_cents - settled);
  const left = Math.max(0, charges.total_cents - line.interest_cents - line.fine_cents);
  const dates = [standing.interest_from, standing.due_date, on].sort();
  return {
    ...standing,
    balance_cents,
    interest_from: dates.at(-1),
    fine_charged: standing.fine_charged || charges.late,
    carried_charges_cents: settled > 0 || balance_cents === 0 ? 0 : left,
  };
}

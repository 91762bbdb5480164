// Own operations on top of what the server told: balances never subtract twice and never flicker (G.16, protocol, changes).

import { dayOf } from "./calendar.js";
import { chargesDue, standingAfter } from "./charges.js";

/** Say whether the server's rows already contain the effect of an operation's seq. */
export function isContained(seq, { through_seq, applied_above }) {
  return seq <= through_seq || applied_above.includes(seq);
}

/** Give the receipts that weigh on the rows: not contained in them, not voided, in the order of their seq. */
export function weighing(operations, progress) {
  return notVoided(operations)
    .filter((each) => !isContained(each.seq, progress))
    .sort((one, other) => one.seq - other.seq);
}

function notVoided(operations) {
  const voided = new Set(operations.filter((each) => each.kind === "receipt_void").map((each) => each.body.receipt_op_id));
  return operations.filter((each) => each.kind === "receipt" && !voided.has(each.op_id));
}

/**
 * Give the receipts of devices that this till was before which weigh on the rows: until the server has judged them, and the copy that
 * is shown (`download.as_of`) is newer than that.
 */
export function weighingOfFormer(operations, { as_of }) {
  const isContained = ({ custody, result, told_at }) =>
    custody !== null && result !== null && !["pending", "waiting"].includes(result.state) && told_at <= Date.parse(as_of);
  return notVoided(operations).filter((each) => !isContained(each));
}

/**
 * Give what one installment owes once the till's own receipts are counted in.
 * `row`: the server's; `receipts`: from `weighing`; `terms`: of the row; `holidays`: a Set of days.
 */
export function standingOf(row, receipts, { terms, holidays }) {
  let standing = row;
  for (const receipt of receipts) {
    const on = dayOf(receipt.occurred_at);
    for (const line of receipt.body.lines.filter((each) => each.installment_id === row.id)) {
      standing = standingAfter(standing, line, { charges: chargesDue(standing, { terms, holidays, on }), on });
    }
  }
  return standing;
}

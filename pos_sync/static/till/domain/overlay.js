// Own operations on top of what the server told: balances never subtract twice and never flicker (G.16, protocol, changes).

import { dayOf } from "./calendar.js";
import { chargesDue, standingAfter } from "./charges.js";

const OWED = ["balance_cents", "interest_from", "fine_charged", "carried_charges_cents"];

/** Write down what an installment owes as a receipt is drawn for it. */
export function owedOf(standing) {
  return Object.fromEntries(OWED.map((name) => [name, standing[name]]));
}

/** Say whether the server's rows already contain the effect of an operation's seq. */
export function isContained(seq, { through_seq, applied_above }) {
  return seq <= through_seq || applied_above.includes(seq);
}

const containedBy = (progress) => ({ seq }) => isContained(seq, progress);

// What devices that this till was before did is contained once the server has judged it and the copy that is shown is newer.
const containedIn = ({ as_of }) => ({ custody, result, told_at }) =>
  custody !== null && isJudged(result) && told_at <= Date.parse(as_of);

function isJudged(result) {
  return Boolean(result) && !["pending", "waiting"].includes(result.state);
}

/** Give the receipts that weigh on the rows: not contained in them, not voided. `operations`: in the order of their seq. */
export function weighing(operations, progress) {
  return outside(operations, containedBy(progress));
}

/** Give the receipts of devices that this till was before which weigh on the rows of `download`. */
export function weighingOfFormer(operations, download) {
  return outside(operations, containedIn(download));
}

function outside(operations, isIn) {
  const isVoided = voidedBy(operations);
  return receiptsOf(operations).filter((each) => !isVoided(each) && !isIn(each));
}

/** Give the receipts that the rows contain, but not yet that they were voided: the newest first. */
export function undone(operations, progress) {
  return stillInside(operations, containedBy(progress));
}

/** Give such receipts of devices that this till was before. */
export function undoneOfFormer(operations, download) {
  return stillInside(operations, containedIn(download));
}

function stillInside(operations, isIn) {
  const isVoided = voidedBy(operations.filter((each) => !isIn(each)));
  return receiptsOf(operations).filter((each) => isVoided(each) && isIn(each)).reverse();
}

const receiptsOf = (operations) => operations.filter((each) => each.kind === "receipt");

function voidedBy(operations) {
  const voided = new Set(operations.filter((each) => each.kind === "receipt_void").map((each) => each.body.receipt_op_id));
  return ({ op_id }) => voided.has(op_id);
}

/**
 * Give what one installment owes once the till's own receipts and voids are counted in.
 * `row`: the server's; `undone` and `receipts`: from the functions above; `terms`: of the row; `holidays`: a Set of days.
 */
export function standingOf(row, { undone: taken, receipts }, rules) {
  const before = taken.reduce((standing, receipt) => withoutReceipt(standing, receipt, rules), row);
  return receipts.reduce((standing, receipt) => withReceipt(standing, receipt, receipt.body.lines, rules), before);
}

function withReceipt(standing, receipt, lines, { terms, holidays }) {
  const on = dayOf(receipt.occurred_at);
  return lines
    .filter((each) => each.installment_id === standing.id)
    .reduce((now, line) => standingAfter(now, line, { charges: chargesDue(now, { terms, holidays, on }), on }), standing);
}

/**
 * Take a receipt back as the server will. Charges become what they were before it where nothing was paid since: after a later payment
 * they count from that one, as they do now.
 */
function withoutReceipt(standing, receipt, rules) {
  const lines = posted(receipt).filter((each) => each.installment_id === standing.id);
  const settled = lines.reduce((sum, line) => sum + line.principal_cents + line.discount_cents, 0);
  const was = { ...standing, ...receipt.memo?.rows[standing.id]?.owed };
  const after = withReceipt(was, receipt, lines, rules);
  if (lines.length && OWED.every((name) => after[name] === standing[name])) return was;
  return { ...standing, balance_cents: Math.min(standing.amount_cents, standing.balance_cents + settled) };
}

/** Give a receipt's lines as the server posted them; as they were said as long as it has not told. */
function posted({ body, result }) {
  return isJudged(result) ? result.outcome?.lines ?? [] : body.lines;
}

// Means of payment until the remainder is zero: what is still owed, change in cash, what each method asks for (H20-H22).

/** The most that is given back: above it a code was scanned or a comma forgotten, and no drawer holds so much in notes. */
export const MOST_CHANGE_CENTS = 100_000;

/** Add up what tenders pay, in cents. */
export function amountOf(tenders) {
  return tenders.reduce((sum, tender) => sum + tender.amount_cents, 0);
}

/** Add up the change that was given back, in cents. */
export function changeOf(tenders) {
  return tenders.reduce((sum, tender) => sum + tender.change_cents, 0);
}

/** Give what is still to be paid, in cents, zero or more. */
export function remainder(totalCents, tenders) {
  return Math.max(0, totalCents - amountOf(tenders));
}

/**
 * Make the tender of what a person typed. Gives {tender} or {refused}: amount_missing, above_remainder (only a method that
 * gives change may be handed more), change_too_high, reference_missing, not_offline.
 */
export function makeTender(method, { typed_cents, reference, remainder_cents, is_offline }) {
  if (is_offline && !method.offline) return { refused: "not_offline" };
  if (typed_cents <= 0) return { refused: "amount_missing" };
  if (typed_cents > remainder_cents && !method.gives_change) return { refused: "above_remainder" };
  if (typed_cents - remainder_cents > MOST_CHANGE_CENTS) return { refused: "change_too_high" };
  if (method.needs_reference && !reference?.trim()) return { refused: "reference_missing" };
  const amount_cents = Math.min(typed_cents, remainder_cents);
  return {
    tender: {
      method: method.code,
      amount_cents,
      tendered_cents: typed_cents,
      change_cents: typed_cents - amount_cents,
      reference: reference?.trim() || null,
    },
  };
}

/**
 * Fit tenders that were entered to a total that may be another by now. What gives no change is charged already: it stays first, and
 * only whole; cash stays with the change that is then due. Gives {kept, out}.
 */
export function refit(tenders, totalCents, givesChange) {
  const [cash, others] = [true, false].map((gives) => tenders.filter((each) => givesChange(each.method) === gives));
  const [kept, out] = [[], []];
  for (const tender of [...others, ...cash]) {
    const left = remainder(totalCents, kept);
    const { method, tendered_cents } = tender;
    const amount_cents = givesChange(method) ? Math.min(tendered_cents, left) : tendered_cents;
    const change_cents = tendered_cents - amount_cents;
    const isFitting = left > 0 && amount_cents <= left && change_cents <= MOST_CHANGE_CENTS;
    if (isFitting) kept.push({ ...tender, amount_cents, change_cents });
    else out.push(tender);
  }
  return { kept, out };
}

/** Give the amounts a cashier is likely to be handed: exact, then rounded up to the notes of the real. */
export function quickAmounts(remainderCents) {
  const notes = [500, 1000, 2000, 5000, 10000, 20000].map((note) => Math.ceil(remainderCents / note) * note);
  return [...new Set([remainderCents, ...notes])].sort((one, other) => one - other).slice(0, 6);
}

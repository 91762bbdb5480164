// A cash session as its operations tell it: float, what was taken by method, what left the drawer, what may be voided.

/** Fold a till's operations, in the order of seq, into the open session, or null: every figure in cents. */
export function openSession(operations) {
  return operations.reduce(after, null);
}

function after(session, operation) {
  const { kind, body } = operation;
  if (kind === "session_open") return opened(operation);
  if (kind === "session_close") return session?.session_id === body.session_id ? null : session;
  if (!session) return session;
  if (kind === "receipt") return received(session, operation);
  if (kind === "receipt_void") return voided(session, body.receipt_op_id);
  if (kind === "cash_in") return moved(session, body.amount_cents);
  if (kind === "cash_out") return moved(session, -body.amount_cents);
  return session;
}

function opened({ body, occurred_at }) {
  const { session_id, operator, float_cents } = body;
  return { session_id, operator, opened_at: occurred_at, float_cents, loose_cents: float_cents, taken: {}, receipts: [] };
}

function received(session, operation) {
  if (operation.body.session_id !== session.session_id) return session;
  const receipts = [...session.receipts, { operation, is_voided: false }];
  return { ...session, receipts, taken: taken(receipts) };
}

function voided(session, op_id) {
  const receipts = session.receipts.map((each) => (each.operation.op_id === op_id ? { ...each, is_voided: true } : each));
  return { ...session, receipts, taken: taken(receipts) };
}

function moved(session, cents) {
  return { ...session, loose_cents: session.loose_cents + cents };
}

function taken(receipts) {
  const sums = {};
  for (const { operation, is_voided } of receipts) {
    for (const tender of is_voided ? [] : operation.body.tenders) {
      sums[tender.method] = (sums[tender.method] ?? 0) + tender.amount_cents;
    }
  }
  return sums;
}

/** Give what each method should count: the drawer's cash is the float, ins and outs and what was taken in cash. */
export function expectedCounts(session, cashMethod = "cash") {
  return { ...session.taken, [cashMethod]: (session.taken[cashMethod] ?? 0) + session.loose_cents };
}

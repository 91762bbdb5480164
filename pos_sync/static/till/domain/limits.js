// The ceilings that the server sends (limits.offline): a warning, then a supervisor's PIN, then a stop, before money is taken.

const HOUR = 3_600_000;

/** Say how old the data are: "fresh", "warn" or "stop". `as_of` and `now` are instants. */
export function judgeAge(as_of, now, { warn_age_hours, stop_age_hours }) {
  const hours = (new Date(now) - new Date(as_of)) / HOUR;
  if (stop_age_hours !== null && stop_age_hours !== undefined && hours >= stop_age_hours) return "stop";
  if (warn_age_hours !== null && warn_age_hours !== undefined && hours >= warn_age_hours) return "warn";
  return "fresh";
}

const NEAR = 0.8;

/**
 * Judge a receipt about to be taken. Gives a list of {code, level, limit}: level "warn" goes on, "supervisor" wants a PIN,
 * "stop" ends it. Codes: device_suspended, device_refused, data_old, data_too_old, receipt_above, pending_near, pending_above.
 * The ceilings are those of a till that works without the server; one that the server does not let pull works without it, too.
 */
export function judgeReceipt({ is_offline, trouble = null, ...said }) {
  const standing = judgeDevice(trouble);
  return is_offline || standing.length ? [...standing, ...judgeOffline(said)] : [];
}

function judgeDevice(trouble) {
  if (trouble === "device_suspended") return [{ code: "device_suspended", level: "supervisor", limit: null }];
  const isRefused = ["device_revoked", "device_replaced", "unknown_token"].includes(trouble);
  return isRefused ? [{ code: "device_refused", level: "stop", limit: null }] : [];
}

function judgeOffline({ amount_cents, pending_cents, as_of, now, offline }) {
  const age = judgeAge(as_of, now, offline);
  const { warn_age_hours, stop_age_hours, max_receipt_cents, max_pending_cents } = offline;
  const pending = pending_cents + amount_cents;
  const isNear = max_pending_cents !== null && !isAbove(pending, max_pending_cents) && pending >= NEAR * max_pending_cents;
  return [
    age === "stop" && { code: "data_too_old", level: "stop", limit: stop_age_hours },
    age === "warn" && { code: "data_old", level: "warn", limit: warn_age_hours },
    isAbove(amount_cents, max_receipt_cents) && { code: "receipt_above", level: "supervisor", limit: max_receipt_cents },
    isNear && { code: "pending_near", level: "warn", limit: max_pending_cents },
    isAbove(pending, max_pending_cents) && { code: "pending_above", level: "supervisor", limit: max_pending_cents },
  ].filter(Boolean);
}

function isAbove(cents, limit) {
  return limit !== null && limit !== undefined && cents > limit;
}

// The ceilings that the server sends (limits.offline): a warning, then a supervisor's PIN, then a stop, before money is taken.

const HOUR = 3_600_000;

/** Say how old the data are: "fresh", "warn" or "stop". `as_of` and `now` are instants. */
export function judgeAge(as_of, now, { warn_age_hours, stop_age_hours }) {
  const hours = (new Date(now) - new Date(as_of)) / HOUR;
  if (stop_age_hours !== null && stop_age_hours !== undefined && hours >= stop_age_hours) return "stop";
  if (warn_age_hours !== null && warn_age_hours !== undefined && hours >= warn_age_hours) return "warn";
  return "fresh";
}

/**
 * Judge a receipt about to be taken. Gives a list of {code, level, limit}: level "warn" goes on, "supervisor" wants a PIN,
 * "stop" ends it. Codes: data_old, data_too_old, receipt_above, pending_above.
 */
export function judgeReceipt({ amount_cents, pending_cents, as_of, now, offline }) {
  const age = judgeAge(as_of, now, offline);
  const found = [];
  if (age === "stop") found.push({ code: "data_too_old", level: "stop", limit: offline.stop_age_hours });
  if (age === "warn") found.push({ code: "data_old", level: "warn", limit: offline.warn_age_hours });
  if (isAbove(amount_cents, offline.max_receipt_cents)) {
    found.push({ code: "receipt_above", level: "supervisor", limit: offline.max_receipt_cents });
  }
  if (isAbove(pending_cents + amount_cents, offline.max_pending_cents)) {
    found.push({ code: "pending_above", level: "supervisor", limit: offline.max_pending_cents });
  }
  return found;
}

function isAbove(cents, limit) {
  return limit !== null && limit !== undefined && cents > limit;
}

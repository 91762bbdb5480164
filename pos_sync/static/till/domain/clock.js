// Whose clock counts: the server's, as far as it is known; a till's own may be wrong by years.

const TOLERATED_MS = 60_000;
const ROUNDED_TO_MS = 1_000;

/** Give {at, skew_ms} of a contact at `at` (this device's clock) with a server that said `server_time`; a minute is no difference. */
export function clockOf({ at, server_time }) {
  const apart = Math.round((Date.parse(server_time) - at) / ROUNDED_TO_MS) * ROUNDED_TO_MS;
  return { at, skew_ms: Math.abs(apart) > TOLERATED_MS ? apart : 0 };
}

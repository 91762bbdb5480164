// Whose clock counts: the server's, as far as it is known; a till's own may be wrong by years.

const TOLERATED_MS = 60_000;
const ROUNDED_TO_MS = 1_000;

/** Give {at, skew_ms} of a contact at `at` (this device's clock) with a server that said `server_time`; a minute is no difference. */
export function clockOf({ at, server_time }) {
  const apart = Math.round((Date.parse(server_time) - at) / ROUNDED_TO_MS) * ROUNDED_TO_MS;
  return { at, skew_ms: isApart(apart) ? apart : 0 };
}

/**
 * Give a function that says whether this device's clock was set since it was last asked; `elapsed` counts what no one sets.
 * A device that slept may look as if it was: then there is as good a reason to ask the server.
 */
export function watchClock({ now, elapsed }) {
  let before = now() - elapsed();
  return () => {
    const moved = now() - elapsed() - before;
    before += moved;
    return isApart(moved);
  };
}

const isApart = (ms) => Math.abs(ms) > TOLERATED_MS;

// An operator's PIN against the snapshot's hash, offline (Django's pbkdf2_sha256), and the lock after failures.

const FAILURES_BEFORE_LOCK = 5;
const LOCK_MINUTES = 5;

/** Say whether a PIN is the one of `pbkdf2_sha256$<iterations>$<salt>$<base64>`; any other hash matches nothing. */
export async function isPin(pin, hash) {
  const [algorithm, iterations, salt, digest] = hash.split("$");
  if (algorithm !== "pbkdf2_sha256" || !digest || !pin) return false;
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", encoder.encode(pin), "PBKDF2", false, ["deriveBits"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt: encoder.encode(salt), iterations: Number(iterations) };
  const bits = await crypto.subtle.deriveBits(derivation, key, 256);
  return isSame(btoa(String.fromCharCode(...new Uint8Array(bits))), digest);
}

function isSame(one, other) {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at % other.length);
  return difference === 0;
}

/** Give until when an operator is locked, or 0: a lock is never longer than it was made, whatever this clock did meanwhile. */
export function lockedUntil({ locked_until = 0 } = {}, now) {
  return locked_until > now && locked_until <= now + LOCK_MINUTES * 60_000 ? locked_until : 0;
}

/** Give what is known of an operator's attempts after another one: {failures, locked_until} (milliseconds, 0 = open). */
export function afterAttempt({ failures = 0 } = {}, { isRight, now }) {
  if (isRight) return { failures: 0, locked_until: 0 };
  const more = failures + 1;
  const isLocked = more >= FAILURES_BEFORE_LOCK;
  return { failures: isLocked ? 0 : more, locked_until: isLocked ? now + LOCK_MINUTES * 60_000 : 0 };
}

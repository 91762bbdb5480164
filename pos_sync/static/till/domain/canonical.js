// The content of an operation as canonical JSON (RFC 8785) and its SHA-256: what "the same operation" means.

const MEMBERS = ["kind", "v", "occurred_at", "body"];

/** Write the members that are content, keys by UTF-16 units, without spaces. */
export function canonicalContent(operation) {
  return canonical(Object.fromEntries(MEMBERS.filter((name) => name in operation).map((name) => [name, operation[name]])));
}

/** Write any JSON value canonically; lone surrogates stand as their escape. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

/** Give the SHA-256 of a text in hexadecimal. */
export async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

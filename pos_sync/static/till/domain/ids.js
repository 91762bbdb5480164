// Identifiers made at the till before anything is printed: UUIDv7 (RFC 9562) and receipt numbers (G.22).

/** Make a UUIDv7 of that moment (milliseconds since 1970). */
export function uuid7(now = Date.now(), random = crypto.getRandomValues(new Uint8Array(10))) {
  const time = now.toString(16).padStart(12, "0");
  random[0] = 0x70 | (random[0] & 0x0f);
  random[2] = 0x80 | (random[2] & 0x3f);
  const tail = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const all = time + tail;
  return [all.slice(0, 8), all.slice(8, 12), all.slice(12, 16), all.slice(16, 20), all.slice(20)].join("-");
}

/** Write a receipt's number: till + series - sequence, as it is printed. */
export function receiptNumber({ till, receipt_series }, sequence) {
  return `${till}${receipt_series}-${String(sequence).padStart(6, "0")}`;
}

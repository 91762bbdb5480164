// CPF and CNPJ as typed against what a till carries: masked documents with the middle six characters (protocol, snapshot).

const MASK = /[.\-/\s]/g;

/** Take the mask off what was typed: upper case, no dots, dashes, bars or blanks. */
export function bareDocument(typed) {
  return typed.replace(MASK, "").toUpperCase();
}

/** Say whether a masked document may be the one typed, whole ("529.982.247-25" against "***.982.247-**"). */
export function matchesMask(masked, typed) {
  const bare = bareDocument(masked);
  const said = bareDocument(typed);
  return bare.length === said.length && [...bare].every((char, at) => char === "*" || char === said[at]);
}

// Finding a customer while somebody types, over 50,000 installments without a wait: an index made once a download.

import { bareDocument, matchesMask } from "./documents.js";

export const MOST_FOUND = 30;
const LEAST_DIGITS = 3;
const ACCENT = /\p{M}/gu;
const NOT_PLAIN = /[^ -~]|  |^ | $/;

/** Write a text for comparison: no accents, upper case, single blanks. */
export function plain(text) {
  const bare = NOT_PLAIN.test(text) ? text.normalize("NFD").replace(ACCENT, "").replace(/\s+/g, " ").trim() : text;
  return bare.toUpperCase();
}

/** Index the customers of a download and their open documents: `{customers, documents}` for `findCustomers`. */
export function indexCustomers(customers, installments) {
  const rows = customers.map((customer) => {
    const bare = bareDocument(customer.document_masked);
    const name = plain(customer.name);
    return { customer, name, words: ` ${name}`, bare, digits: bare.replaceAll("*", " ") };
  });
  rows.sort((one, other) => order(one.name, other.name));
  return { customers: rows, documents: documentsOf(new Map(rows.map((row) => [row.customer.id, row])), installments) };
}

function documentsOf(byId, installments) {
  const known = new Map();
  for (const { document, customer_id } of installments) {
    const row = byId.get(customer_id);
    if (row) known.set(`${document} ${customer_id}`, { document: plain(document), row });
  }
  return [...known.values()].sort((one, other) => order(one.document, other.document));
}

const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

/** Give at most 30 customers whose name has the words typed, whose CPF/CNPJ matches, or who owe such a document. */
export function findCustomers(index, typed) {
  const asked = plain(typed);
  if (!asked) return [];
  const found = new Set();
  const words = asked.split(" ").map((word) => ` ${word}`);
  take(found, index.customers, (row) => words.every((word) => row.words.includes(word)));
  const bare = bareDocument(asked);
  if (/\d/.test(asked) && bare.length >= LEAST_DIGITS) {
    take(found, index.customers, (row) => row.digits.includes(bare) || (row.bare.length === bare.length && matchesMask(row.bare, bare)));
  }
  takeDocuments(found, index.documents, asked);
  return [...found];
}

/**
 * Say whether what was typed means the first who was found. Words are a person's, who sees whom they find; a code may be a
 * scanner's: it means the only one, and counts as a whole CPF/CNPJ, document or name. A name may have a number in it ("Loja 24").
 */
export function meansFirst(index, found, typed) {
  const asked = plain(typed);
  if (!/\d/.test(asked)) return found.length > 0;
  if (found.length !== 1) return false;
  const [{ document_masked, name }] = found;
  const words = asked.split(" ");
  const isNamed = words.some((word) => !/\d/.test(word)) && words.every((word) => ` ${plain(name)}`.includes(` ${word}`));
  const isDocument = index.documents[firstFrom(index.documents, asked)]?.document === asked;
  return isNamed || isDocument || matchesMask(document_masked, asked) || plain(name) === asked;
}

function take(found, rows, isMatch) {
  for (const row of rows) {
    if (found.size >= MOST_FOUND) return;
    if (isMatch(row)) found.add(row.customer);
  }
}

/** Documents stand in order: those that begin with what was asked follow each other. */
function takeDocuments(found, documents, asked) {
  for (let at = firstFrom(documents, asked); documents[at]?.document.startsWith(asked) && found.size < MOST_FOUND; at += 1) {
    found.add(documents[at].row.customer);
  }
}

function firstFrom(documents, asked) {
  let [low, high] = [0, documents.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (documents[middle].document < asked) low = middle + 1;
    else high = middle;
  }
  return low;
}

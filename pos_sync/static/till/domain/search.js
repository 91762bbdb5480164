// Finding a customer while somebody types, over 50,000 installments without a wait: an index made once a download.

import { containsDigits, matchesMask } from "./documents.js";

const MOST = 30;

/** Write a text for comparison: no accents, upper case, single blanks. */
export function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toUpperCase().replace(/\s+/g, " ").trim();
}

/** Index the customers of a download and their open documents: `{customers, documents}` for `findCustomers`. */
export function indexCustomers(customers, installments) {
  const rows = customers
    .map((customer) => ({ customer, name: plain(customer.name), words: ` ${plain(customer.name)}` }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const byId = new Map(rows.map((row) => [row.customer.id, row]));
  const documents = installments.map((each) => ({ document: plain(each.document), row: byId.get(each.customer_id) }));
  return { customers: rows, documents: documents.filter((each) => each.row) };
}

/** Give at most 30 customers whose name has the words typed, whose CPF/CNPJ matches, or who owe such a document. */
export function findCustomers(index, typed) {
  const asked = plain(typed);
  if (!asked) return [];
  const found = new Set();
  const words = asked.split(" ").map((word) => ` ${word}`);
  take(found, index.customers, (row) => words.every((word) => row.words.includes(word)), (row) => row.customer);
  if (/\d/.test(asked)) {
    take(found, index.customers, (row) => isDocument(row.customer, typed), (row) => row.customer);
    take(found, index.documents, (each) => each.document.startsWith(asked), (each) => each.row.customer);
  }
  return [...found];
}

function take(found, rows, isMatch, give) {
  for (const row of rows) {
    if (found.size >= MOST) return;
    if (isMatch(row)) found.add(give(row));
  }
}

function isDocument(customer, typed) {
  return matchesMask(customer.document_masked, typed) || containsDigits(customer.document_masked, typed);
}

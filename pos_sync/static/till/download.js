// The daily and the forced synchronisation and the changes after it (H5-H11): a whole copy, checked, or the one before.

import { readChanges, readSnapshot } from "./server.js";
import { addRows, applyRows, clearGeneration, CopyBroken, readMeta, showGeneration } from "./store.js";

const REFERENCE = ["branch", "terms", "holidays", "payment_methods", "operators", "limits"];

/**
 * Download a whole copy beside the one that is shown and swap them once count and sum match, else CopyBroken.
 * `onProgress({done, all})`.
 */
export async function downloadAll(db, token, onProgress = () => {}) {
  const shown = await readMeta(db, "download");
  const generation = shown ? 1 - shown.generation : 0;
  await clearGeneration(db, generation);
  let page = await readSnapshot(token);
  const first = page;
  const sum = { installments: 0, customers: 0, balance_cents: 0 };
  for (;;) {
    await addRows(db, generation, page);
    count(sum, page);
    onProgress({ done: sum.installments, all: first.expected.installments });
    if (!page.page_token) break;
    page = await readSnapshot(token, { page_token: page.page_token });
  }
  const { expected } = first;
  if (Object.keys(sum).some((name) => sum[name] !== expected[name])) throw new CopyBroken();
  await showGeneration(db, { download: downloadOf(first, generation), reference: pick(first, REFERENCE), expected });
  return { epoch: first.epoch, installments: sum.installments };
}

function count(sum, page) {
  sum.installments += page.installments.length;
  sum.customers += page.customers.length;
  for (const row of page.installments) sum.balance_cents += row.balance_cents;
}

function downloadOf(first, generation) {
  const { snapshot_id, as_of, business_date, horizon, cursor, through_seq, applied_above } = first;
  return { snapshot_id, as_of, business_date, horizon, cursor, through_seq, applied_above, generation };
}

/**
 * Bring the copy up to date. Progress (through_seq, applied_above) counts only once all rows are here. Gives the results told
 * whether anything moved and the copy as it is now; throws Refused `cursor_reset` where a new copy is needed.
 */
export async function pullChanges(db, token) {
  const before = await readMeta(db, "download");
  const rows = { installments: [], customers: [] };
  const results = [];
  const known = await readMeta(db, "reference");
  let reference = known;
  let said = { cursor: before.cursor, more: true };
  while (said.more) {
    said = await readChanges(token, said.cursor);
    rows.installments.push(...said.installments);
    rows.customers.push(...said.customers);
    results.push(...said.results);
    reference = merged(reference, said);
  }
  const { cursor, horizon, through_seq, applied_above, server_time } = said;
  const download = { ...before, cursor, horizon, through_seq, applied_above, as_of: server_time };
  await applyRows(db, { ...rows, download, reference });
  const moved = rows.installments.length + rows.customers.length > 0 || JSON.stringify(reference) !== JSON.stringify(known);
  return { results, moved, download };
}

function merged(reference, said) {
  const terms = new Map(reference.terms.map((each) => [each.id, each]));
  for (const each of said.terms ?? []) terms.set(each.id, each);
  const fresh = pick(said, REFERENCE.filter((name) => name !== "terms" && said[name] !== undefined));
  return { ...reference, ...fresh, terms: [...terms.values()] };
}

const pick = (object, names) => Object.fromEntries(names.map((name) => [name, object[name]]));

// Everything done in the contingency goes up by itself, in order, until the server has custody of it (H12, H13, H23).

import { amountOf } from "./domain/tendering.js";
import { pushOperations, Refused } from "./server.js";
import { noteAnswers, readOperations } from "./store.js";

const MEMBERS = ["op_id", "seq", "kind", "v", "occurred_at", "body"];
const ENVELOPE_BYTES = 4096;

/** Give the operations that the server does not have yet; a refused one waits for a person and is not sent again. */
export function undelivered(operations) {
  return operations.filter((operation) => operation.custody === null);
}

/** Give how many operations wait, and the money of the receipts among them in cents. */
export function pendingOf(operations) {
  const waiting = undelivered(operations);
  const voided = new Set(waiting.filter((each) => each.kind === "receipt_void").map((each) => each.body.receipt_op_id));
  const receipts = waiting.filter((each) => each.kind === "receipt" && !voided.has(each.op_id));
  return { count: waiting.length, sum_cents: amountOf(receipts.flatMap((each) => each.body.tenders)) };
}

/** Write an operation as it is sent. */
export function asSent(operation) {
  return Object.fromEntries(MEMBERS.map((name) => [name, operation[name]]));
}

/** Cut a queue into batches within the server's limits, in order. */
export function batches(operations, { max_batch_operations, max_batch_bytes }) {
  const cut = [];
  let bytes = Infinity;
  for (const operation of operations) {
    const size = new TextEncoder().encode(JSON.stringify(asSent(operation))).length + 1;
    if (bytes + size > max_batch_bytes - ENVELOPE_BYTES || cut.at(-1).length >= max_batch_operations) {
      cut.push([]);
      bytes = 0;
    }
    cut.at(-1).push(operation);
    bytes += size;
  }
  return cut;
}

/**
 * Deliver a device's queue, in order. Gives how many operations the server answered for; a batch too large is halved.
 * `sentBy`: the device whose token is used where the own one opens nothing any more.
 */
export async function uploadAll(db, device, { now, sentBy = device }) {
  let answered = 0;
  const queue = undelivered(await readOperations(db, device.device_id));
  for (const batch of batches(queue, device.limits)) answered += await upload(db, { device, batch, now, sentBy });
  return answered;
}

async function upload(db, parcel) {
  const { device, batch, now, sentBy } = parcel;
  let said;
  try {
    said = await pushOperations(sentBy.token, await envelope(db, parcel));
  } catch (error) {
    if (!(error instanceof Refused && error.status === 413)) throw error;
    if (batch.length === 1) {
      await noteAnswers(db, [{ op_id: batch[0].op_id, custody: "refused", state: null, reason: "operation_too_large" }], now());
      return 1;
    }
    const middle = Math.ceil(batch.length / 2);
    const halves = [batch.slice(0, middle), batch.slice(middle)];
    return (await upload(db, { ...parcel, batch: halves[0] })) + (await upload(db, { ...parcel, batch: halves[1] }));
  }
  await noteAnswers(db, said.results.map((result, at) => ({ ...result, op_id: result.op_id ?? batch[at].op_id })), now());
  return said.results.length;
}

async function envelope(db, { device, batch, now, sentBy }) {
  const pending = pendingOf(await readOperations(db, device.device_id));
  const first = device.first_seq ? { first_seq: device.first_seq } : {};
  const owner = sentBy === device ? {} : { device_id: device.device_id };
  return { epoch: device.epoch, ...owner, ...first, sent_at: new Date(now()).toISOString(), pending, operations: batch.map(asSent) };
}

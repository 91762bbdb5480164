// The till as its screens see it: who it is, what it shows, what was done here, and the acts of a cashier.
//
// Every act is committed to the till's own database before it is printed or said; the synchroniser delivers it.

import { chargesDue } from "./domain/charges.js";
import { dayOf, withOffset } from "./domain/calendar.js";
import { receiptNumber, uuid7 } from "./domain/ids.js";
import { judgeReceipt } from "./domain/limits.js";
import { standingOf, weighing } from "./domain/overlay.js";
import { afterAttempt, isPin } from "./domain/pin.js";
import { findCustomers, indexCustomers } from "./domain/search.js";
import { expectedCounts, openSession } from "./domain/session.js";
import { pair } from "./server.js";
import {
  becomeDevice, ChangedMeanwhile, commitOperation, forgetDelivered, leaveDevice, openStore, readMeta, readOperations, readRows, writeMeta,
} from "./store.js";
import { Synchroniser } from "./sync.js";
import { pendingOf } from "./upload.js";

const CHANNEL = "quita-till";
const KEPT_FOR_MS = 30 * 86_400_000;
const ROOM_FOR_RECEIPTS = 5_000_000;
const SOFTWARE = "Quita Caixa 1";

export { ChangedMeanwhile };

/** There is no room on this device for one more receipt: none may be taken. */
export class NoRoom extends Error {}

export class Till extends EventTarget {
  /** Open the till's database and read everything that the screens need. */
  static async open() {
    const till = new Till();
    till.db = await openStore({ onBlocked: () => till.tell("blocked") });
    await till.readRows();
    await till.readOperations();
    await till.forgetOld();
    till.listen();
    till.sync = new Synchroniser(till.db, { emit: (name, detail) => till.announce(name, detail) });
    till.sync.start();
    return till;
  }

  constructor() {
    super();
    Object.assign(this, {
      device: null, former: [], operator: null, operations: [], formerOperations: [], download: null, reference: null,
      rows: new Map(), customers: new Map(), index: null, progress: null,
      connection: { is_online: false, since: Date.now(), trouble: null },
    });
  }

  // What happens in this tab and in the others

  listen() {
    this.channel = new BroadcastChannel(CHANNEL);
    this.channel.onmessage = ({ data }) => this.hear(data);
  }

  /** Tell the others, and this tab; it has heard when the promise is kept. */
  announce(name, detail) {
    this.channel.postMessage({ name, detail });
    return this.hear({ name, detail });
  }

  async hear({ name, detail }) {
    if (name === "connection") this.connection = detail;
    if (name === "progress") this.progress = detail;
    if (name === "operations") await this.readOperations();
    if (name === "rows") { this.progress = null; await this.readRows(); }
    if (name === "device") await this.readDevice();
    if (name === "hurry") this.sync.hurry();
    this.tell(name);
  }

  tell(name) {
    this.dispatchEvent(new CustomEvent("change", { detail: name }));
  }

  // What is known

  async readDevice() {
    this.device = await readMeta(this.db, "device");
    this.former = await readMeta(this.db, "former", []);
    this.last_sync = await readMeta(this.db, "last_sync");
  }

  async readOperations() {
    this.operations = this.device ? await readOperations(this.db, this.device.device_id) : [];
    const former = await Promise.all(this.former.map((each) => readOperations(this.db, each.device_id)));
    this.formerOperations = former.flat();
    this.session = openSession(this.operations);
  }

  async readRows() {
    await this.readDevice();
    this.download = await readMeta(this.db, "download");
    this.reference = await readMeta(this.db, "reference");
    const { installments, customers } = this.download
      ? await readRows(this.db, this.download.generation)
      : { installments: [], customers: [] };
    this.customers = new Map(customers.map((each) => [each.id, each]));
    this.rows = grouped(installments);
    this.byId = new Map(installments.map((row) => [row.id, row]));
    this.index = indexCustomers(customers.filter((each) => this.rows.has(each.id)), installments);
    this.terms = new Map((this.reference?.terms ?? []).map((each) => [each.id, each]));
    this.holidays = new Set(this.reference?.holidays ?? []);
  }

  get limits() {
    return this.reference?.limits ?? this.device?.limits;
  }

  get methods() {
    return this.reference?.payment_methods ?? [];
  }

  /** Give the name of a means of payment, or its code where it is not known any more. */
  methodName(code) {
    return this.methods.find((each) => each.code === code)?.name ?? code;
  }

  /** Give an operator of the branch by code. */
  operatorOf(code) {
    return (this.reference?.operators ?? []).find((each) => each.code === code);
  }

  get isOffline() {
    return !this.connection.is_online;
  }

  get today() {
    return dayOf(Date.now());
  }

  /** What the server does not have yet, of this device and of those that this till was before. */
  get pending() {
    return pendingOf([...this.operations, ...this.formerOperations]);
  }

  // Looking up

  find(typed) {
    return this.index ? findCustomers(this.index, typed) : [];
  }

  /** Give a customer's open installments with own payments counted in: overdue first, each with its charges of today. */
  openInstallments(customer_id) {
    const receipts = weighing(this.operations, this.download);
    const on = this.today;
    return (this.rows.get(customer_id) ?? [])
      .map((row) => this.standing(row, receipts, on))
      .filter((each) => each.balance_cents > 0)
      .sort((one, other) => (one.due_date < other.due_date ? -1 : one.due_date > other.due_date ? 1 : 0));
  }

  standing(row, receipts, on) {
    const terms = this.terms.get(row.terms_id);
    const standing = standingOf(row, receipts, { terms, holidays: this.holidays });
    const charges = chargesDue(standing, { terms, holidays: this.holidays, on });
    return { ...standing, terms, charges, due_cents: standing.balance_cents + charges.total_cents };
  }

  // Who is at the till

  /** Let an operator in by PIN. Gives {operator} or {refused: "unknown" | "wrong" | "locked", until}. */
  async signIn(code, pin) {
    const now = Date.now();
    const operator = this.operatorOf(code.trim());
    if (!operator) return { refused: "unknown" };
    const said = await this.tryPin(operator, pin, now);
    if (said.operator) this.operator = operator;
    return said;
  }

  /** Ask whether a PIN is an operator's, counting failures. */
  async tryPin(operator, pin, now = Date.now()) {
    const attempts = await readMeta(this.db, "attempts", {});
    const known = attempts[operator.code];
    if (known?.locked_until > now) return { refused: "locked", until: known.locked_until };
    const isRight = await isPin(pin, operator.pin_hash);
    const after = afterAttempt(known, { isRight, now });
    await writeMeta(this.db, "attempts", { ...attempts, [operator.code]: after });
    if (isRight) return { operator };
    return after.locked_until ? { refused: "locked", until: after.locked_until } : { refused: "wrong" };
  }

  signOut() {
    this.operator = null;
  }

  // Becoming a till

  /** Exchange a pairing code; asks the browser to keep the till's data. Gives whether it will. */
  async pair(code) {
    const install_id = await readMeta(this.db, "install_id") ?? uuid7();
    await writeMeta(this.db, "install_id", install_id);
    const said = await pair({ code, install_id, software: SOFTWARE, public_key: null });
    const { device_id, token, branch, till, receipt_series, epoch, limits } = said;
    await becomeDevice(this.db, { device_id, token, branch, till, receipt_series, epoch, limits });
    const isKept = await navigator.storage.persist().catch(() => false);
    await this.readDevice();
    await this.readOperations();
    this.announce("device");
    this.announce("hurry");
    return isKept;
  }

  /** Stop being a till: what was downloaded goes; operations and their devices' tokens stay until they are delivered. */
  async unpair() {
    await leaveDevice(this.db);
    this.signOut();
    this.announce("rows");
  }

  // The acts of a cashier

  openSession({ float_cents }) {
    return this.commit("session_open", () => ({ session_id: uuid7(), operator: this.operator.code, float_cents }));
  }

  cashIn({ amount_cents, reason }) {
    return this.commit("cash_in", () => ({ amount_cents, reason, session_id: this.session.session_id }));
  }

  cashOut({ amount_cents, reason }) {
    return this.commit("cash_out", () => ({ amount_cents, reason, session_id: this.session.session_id }));
  }

  voidReceipt({ receipt_op_id, reason }) {
    return this.commit("receipt_void", () => ({ receipt_op_id, reason }));
  }

  closeSession({ counted }) {
    const { session_id } = this.session;
    return this.commit("session_close", () => ({ session_id, counted, pending: this.pending }));
  }

  /** Give what stands against a receipt of that amount: see `judgeReceipt`; an empty list where nothing does. */
  objections(amount_cents) {
    if (!this.isOffline) return [];
    return judgeReceipt({
      amount_cents, pending_cents: this.pending.sum_cents, as_of: this.download.as_of, now: Date.now(), offline: this.limits.offline,
    });
  }

  /** Make sure that a receipt can be kept before any money is taken; throws NoRoom. */
  async makeSureOfRoom() {
    const { quota = Infinity, usage = 0 } = await navigator.storage.estimate();
    if (quota - usage < ROOM_FOR_RECEIPTS) throw new NoRoom();
    await writeMeta(this.db, "probe", "x".repeat(65_536)).catch(() => { throw new NoRoom(); });
    await writeMeta(this.db, "probe", "");
  }

  /**
   * Receive: `lines` and `tenders` as the protocol names them. Throws ChangedMeanwhile where another tab was faster,
   * NoRoom where it cannot be kept: then nothing was recorded and no money may be taken.
   */
  receive({ customer_id, lines, tenders, expectedSeq }) {
    return this.commit("receipt", ({ receipt_sequence }) => ({
      session_id: this.session.session_id,
      operator: this.operator.code,
      customer_id,
      receipt_no: receiptNumber(this.device, receipt_sequence),
      mode: this.isOffline ? "offline" : "online",
      snapshot_as_of: this.download.as_of,
      lines,
      tenders,
    }), { expectedSeq, memo: this.memoOf(customer_id, lines) });
  }

  /** Keep for reprints what a receipt names: its customer and installments leave the window once they are paid. */
  memoOf(customer_id, lines) {
    const { name, document_masked } = this.customers.get(customer_id);
    const told = ({ document, number, due_date }) => ({ document, number, due_date });
    return { customer: { name, document_masked }, rows: Object.fromEntries(lines.map((line) => [line.installment_id, told(this.byId.get(line.installment_id))])) };
  }

  /** The number that the next operation will bear: what a receipt's screen was drawn for. */
  async nextSeq() {
    return (await readMeta(this.db, "counters", { next_seq: 1 })).next_seq;
  }

  async commit(kind, makeBody, { expectedSeq = null, memo = null } = {}) {
    const moment = new Date();
    const said = { op_id: uuid7(moment.getTime()), kind, occurred_at: withOffset(moment), memo };
    const make = (numbers) => ({ ...said, body: makeBody(numbers) });
    let operation;
    try {
      operation = await commitOperation(this.db, this.device.device_id, make, { expectedSeq });
    } catch (error) {
      throw error.name === "QuotaExceededError" ? new NoRoom() : error;
    }
    await this.announce("operations");
    this.announce("hurry");
    return operation;
  }

  // The drawer

  get expected() {
    return this.session ? expectedCounts(this.session) : {};
  }

  // Synchronising by hand (H8-H10)

  /** Do the whole synchronisation now. Gives null, or what went wrong. */
  async syncNow(onProgress) {
    const isThere = await this.sync.round({ forced: true, onProgress });
    await this.readRows();
    await this.readOperations();
    return isThere ? null : this.connection.trouble ?? "unreachable";
  }

  async forgetOld() {
    if (!this.device) return;
    const from = this.operations.findIndex((each) => each.body.session_id && each.body.session_id === this.session?.session_id);
    const kept = new Set((from < 0 ? [] : this.operations.slice(from)).map((each) => each.op_id));
    await forgetDelivered(this.db, { before: Date.now() - KEPT_FOR_MS, kept });
    await this.readOperations();
  }
}

function grouped(installments) {
  const groups = new Map();
  for (const row of installments) {
    if (!groups.has(row.customer_id)) groups.set(row.customer_id, []);
    groups.get(row.customer_id).push(row);
  }
  return groups;
}

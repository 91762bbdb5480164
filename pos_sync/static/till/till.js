// The till as its screens see it: who it is, what it shows, what was done here, and the acts of a cashier.
//
// Every act is committed to the till's own database before it is printed or said; the synchroniser delivers it.

import { allocate } from "./domain/allocate.js";
import { chargesDue } from "./domain/charges.js";
import { dayOf, withOffset } from "./domain/calendar.js";
import { receiptNumber, uuid7 } from "./domain/ids.js";
import { judgeReceipt } from "./domain/limits.js";
import { owedOf, standingOf, undone, undoneOfFormer, weighing, weighingOfFormer } from "./domain/overlay.js";
import { afterAttempt, isPin, lockedUntil } from "./domain/pin.js";
import { findCustomers, indexCustomers, meansFirst } from "./domain/search.js";
import { expectedCounts, openSession } from "./domain/session.js";
import { pair } from "./server.js";
import {
  becomeDevice, ChangedMeanwhile, commitOperation, leaveDevice, openStore, readDone, readMeta, readShown, writeMeta,
} from "./store.js";
import { Synchroniser } from "./sync.js";
import { pendingOf } from "./upload.js";

const CHANNEL = "quita-till";
const ROOM_FOR_RECEIPTS = 5_000_000;
const SOFTWARE = "Quita Caixa 1";

export { ChangedMeanwhile };

/** There is no room on this device for one more receipt: none may be taken. */
export class NoRoom extends Error {}

/** Another window closed the drawer: nothing enters or leaves it until it is opened again. */
export class DrawerClosed extends Error {}

/** The installments of a receipt owe something else by now: a day began, they were paid elsewhere, a download came. */
export class QuoteIsOld extends Error {}

export class Till extends EventTarget {
  /** Open the till's database and read everything that the screens need. */
  static async open({ onBlocked }) {
    const till = new Till();
    till.db = await openStore({ onBlocked });
    await till.readDevice();
    till.download = await readMeta(till.db, "download");
    till.reference = await readMeta(till.db, "reference");
    await till.readOperations();
    await till.readRoom();
    till.listen();
    const contact = await readMeta(till.db, "contact");
    till.sync = new Synchroniser(till.db, { emit: (name, detail) => till.announce(name, detail), contact });
    till.connection = till.sync.connection;
    // Fifty thousand rows take a second, in which somebody signs in.
    till.readRows().then(() => till.tell("rows"));
    till.sync.start();
    till.channel.postMessage({ name: "opened" });
    return till;
  }

  constructor() {
    super();
    Object.assign(this, {
      device: null, former: [], operator: null, operations: [], formerOperations: [], download: null, reference: null,
      rows: new Map(), byId: new Map(), customers: new Map(), index: null, progress: null, connection: null, isKept: false, ready: Promise.resolve(),
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
    if (name === "copy") await this.takeCopy(detail);
    if (name === "device") await this.becomeAnother();
    if (name === "hurry") this.sync.hurry();
    // Whoever leads has heard every window's rounds, and tells the one that came last.
    if (name === "opened" && this.sync?.isLeading) this.announce("connection", this.connection);
    this.tell(name);
  }

  /** Another window paired this till, or ended it: whoever is signed in here was so at another one. */
  async becomeAnother() {
    const before = this.device?.device_id;
    await this.readRows();
    await this.readOperations();
    if (this.device?.device_id !== before) this.signOut();
  }

  tell(name) {
    this.dispatchEvent(new CustomEvent("change", { detail: name }));
  }

  // What is known

  async readDevice() {
    this.device = await readMeta(this.db, "device");
    this.former = await readMeta(this.db, "former", []);
  }

  /** Does the browser promise to keep this till's data? */
  async readRoom() {
    this.isKept = await navigator.storage.persisted().catch(() => false);
  }

  /** Ask the browser to keep this till's data for ever. Gives whether it will. */
  async askForRoom() {
    this.isKept = await navigator.storage.persist().catch(() => false);
    this.tell("room");
    return this.isKept;
  }

  async readOperations() {
    const { done, next_seq } = await readDone(this.db, [this.device, ...this.former].map((each) => each?.device_id ?? ""));
    const [operations, ...formerOperations] = done;
    Object.assign(this, { operations, formerOperations: formerOperations.flat(), session: openSession(operations), next_seq });
  }

  /** Read what is shown, one reading after the other: an earlier one never ends last. */
  readRows() {
    this.ready = this.ready.catch(() => {}).then(() => this.takeRows());
    return this.ready;
  }

  /**
   * Take what a pull that moved no row says of the copy: its age, and how far the server is with what was done here. Only of the rows
   * that are shown, and never an earlier word than theirs.
   */
  takeCopy(download) {
    this.ready = this.ready.catch(() => {}).then(() => {
      const { generation, as_of } = this.download ?? {};
      if (download.generation === generation && Date.parse(download.as_of) > Date.parse(as_of)) this.download = download;
    });
    return this.ready;
  }

  async takeRows() {
    await this.readDevice();
    const { download, reference, installments, customers } = await readShown(this.db);
    this.download = download;
    this.reference = reference;
    this.customers = new Map(customers.map((each) => [each.id, each]));
    this.rows = grouped(installments);
    this.byId = new Map(installments.map((row) => [row.id, row]));
    this.index = indexCustomers(customers.filter((each) => this.rows.has(each.id)), installments);
    this.terms = new Map((this.reference?.terms ?? []).map((each) => [each.id, each]));
    this.holidays = new Set(this.reference?.holidays ?? []);
  }

  /** The branch as its receipts name it; before the first download as pairing told it: without CNPJ and city. */
  get branch() {
    return this.reference?.branch ?? this.device?.branch;
  }

  get limits() {
    return this.reference?.limits ?? this.device?.limits;
  }

  /** Is the drawer counted without being told what should be in it? */
  get isBlind() {
    return this.limits?.offline?.blind_close ?? false;
  }

  get methods() {
    return this.reference?.payment_methods ?? [];
  }

  /** Give the name of a means of payment, or its code where it is not known any more. */
  methodName(code) {
    return this.methods.find((each) => each.code === code)?.name ?? code;
  }

  /** Say whether a means of payment gives change; one that is not known any more gives none. */
  givesChange(code) {
    return this.methods.find((each) => each.code === code)?.gives_change ?? false;
  }

  /** Give an operator of the branch by code. */
  operatorOf(code) {
    return (this.reference?.operators ?? []).find((each) => each.code === code);
  }

  get isOffline() {
    return !this.connection.is_online;
  }

  /** The instant by the server's clock, as far as it is known. */
  get now() {
    return Date.now() + this.connection.skew_ms;
  }

  get today() {
    return dayOf(this.now);
  }

  /** What the server does not have yet, of this device and of those that this till was before. */
  get pending() {
    return pendingOf([...this.operations, ...this.formerOperations]);
  }

  /** Everything that was done here, the newest first; what this till did as another device stands before. */
  get everything() {
    return [...this.formerOperations, ...this.operations].reverse();
  }

  /** Give the receipts of a day and of the open session, or all that are kept (`day` null), the newest first. */
  receipts(day) {
    const inSession = new Set(this.session?.receipts.map((each) => each.operation.op_id));
    const voided = new Set(this.everything.filter((each) => each.kind === "receipt_void").map((each) => each.body.receipt_op_id));
    return this.everything
      .filter((each) => each.kind === "receipt" && (day === null || inSession.has(each.op_id) || dayOf(each.occurred_at) === day))
      .map((operation) => {
        const is_voided = voided.has(operation.op_id);
        return { operation, is_voided, mayBeVoided: !is_voided && inSession.has(operation.op_id) };
      });
  }

  // Looking up

  find(typed) {
    return this.index ? findCustomers(this.index, typed) : [];
  }

  meansFirst(found, typed) {
    return this.index ? meansFirst(this.index, found, typed) : false;
  }

  /** Give a customer's open installments with own payments and their voids counted in: overdue first, each with its charges of today. */
  openInstallments(customer_id) {
    if (!this.download) return [];
    const { download, operations, formerOperations } = this;
    const own = {
      undone: [...undone(operations, download), ...undoneOfFormer(formerOperations, download)],
      receipts: [...weighingOfFormer(formerOperations, download), ...weighing(operations, download)],
    };
    const on = this.today;
    return (this.rows.get(customer_id) ?? [])
      .map((row) => this.standing(row, own, on))
      .filter((each) => each.balance_cents > 0)
      .sort((one, other) => (one.due_date < other.due_date ? -1 : one.due_date > other.due_date ? 1 : 0));
  }

  standing(row, own, on) {
    const terms = this.terms.get(row.terms_id);
    const standing = standingOf(row, own, { terms, holidays: this.holidays });
    const charges = chargesDue(standing, { terms, holidays: this.holidays, on });
    return { ...standing, terms, charges, due_cents: standing.balance_cents + charges.total_cents };
  }

  /**
   * Write down what a receipt is drawn for: rows, lines, sums, what a reprint names once they have left the window, what a void gives
   * back, and the number of the operation that it will be.
   */
  quote({ customer, rows, received_cents, discount_cents }) {
    const lines = allocate(rows, { received_cents, discount_cents });
    const told = (row) => ({ document: row.document, number: row.number, due_date: row.due_date, owed: owedOf(row) });
    const { name, document_masked } = customer;
    const named = Object.fromEntries(rows.map((row) => [row.id, told(row)]));
    return { customer, rows, lines, total: received_cents, expectedSeq: this.next_seq, memo: { customer: { name, document_masked }, rows: named } };
  }

  /** Say whether the installments of a quote still owe what it was drawn for. */
  isStillDue({ customer, rows }) {
    const due = new Map(this.openInstallments(customer.id).map((row) => [row.id, row.due_cents]));
    return rows.every((row) => due.get(row.id) === row.due_cents);
  }

  // Who is at the till

  /** Let an operator in by PIN. Gives {operator} or {refused: "unknown" | "wrong" | "locked", until}. */
  async signIn(code, pin) {
    const now = Date.now();
    const operator = this.operatorOf(code.trim());
    if (!operator) return { refused: "unknown" };
    const said = await this.tryPin(operator, pin, now);
    await this.ready;
    if (said.operator) this.operator = operator;
    return said;
  }

  /** Ask whether a PIN is an operator's, counting failures. */
  async tryPin(operator, pin, now = Date.now()) {
    const attempts = await readMeta(this.db, "attempts", {});
    const known = attempts[operator.code];
    if (lockedUntil(known, now)) return { refused: "locked", until: lockedUntil(known, now) };
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

  /** Exchange a pairing code; asks the browser to keep the till's data. */
  async pair(code) {
    const install_id = await readMeta(this.db, "install_id") ?? uuid7();
    await writeMeta(this.db, "install_id", install_id);
    const said = await pair({ code, install_id, software: SOFTWARE, public_key: null });
    const { device_id, token, branch, till, receipt_series, epoch, limits } = said;
    await becomeDevice(this.db, { device_id, token, branch, till, receipt_series, epoch, limits, rotated_at: this.now });
    this.signOut();
    await this.askForRoom();
    await this.announce("device");
    this.announce("hurry");
  }

  /** Stop being a till: what was downloaded goes; operations and their devices' tokens stay until they are delivered. */
  async unpair() {
    await leaveDevice(this.db);
    this.signOut();
    await this.announce("device");
  }

  // The acts of a cashier

  /** Open the drawer, unless another window did. */
  async openSession({ float_cents }) {
    if (this.session) throw new ChangedMeanwhile();
    return this.commit("session_open", () => ({ session_id: uuid7(), operator: this.operator.code, float_cents }));
  }

  async cashIn({ amount_cents, reason }) {
    const session_id = this.openSessionId();
    return this.commit("cash_in", () => ({ amount_cents, reason, session_id }));
  }

  async cashOut({ amount_cents, reason }) {
    const session_id = this.openSessionId();
    return this.commit("cash_out", () => ({ amount_cents, reason, session_id }));
  }

  /** Give the open session's id; throws DrawerClosed. */
  openSessionId() {
    if (!this.session) throw new DrawerClosed();
    return this.session.session_id;
  }

  /** Cancel a receipt of the open session, once. */
  async voidReceipt({ receipt_op_id, reason }) {
    const receipt = this.session?.receipts.find((each) => each.operation.op_id === receipt_op_id);
    if (!receipt || receipt.is_voided) throw new ChangedMeanwhile();
    return this.commit("receipt_void", () => ({ receipt_op_id, reason }));
  }

  /** Close the drawer as it was when the operation `expectedSeq` would have been the next: what it should hold was read then. */
  async closeSession({ counted, expectedSeq }) {
    const session_id = this.openSessionId();
    return this.commit("session_close", () => ({ session_id, counted, pending: this.pending }), { expectedSeq });
  }

  /** Give what stands against a receipt of that amount: see `judgeReceipt`; an empty list where nothing does. */
  objections(amount_cents) {
    return judgeReceipt({
      amount_cents, pending_cents: this.pending.sum_cents, as_of: this.download?.as_of, now: this.now, offline: this.limits.offline,
      is_offline: this.isOffline, trouble: this.connection.trouble,
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
   * Receive what a quote was drawn for. `released`: the supervisor's code and the limits that he released, or null.
   * Throws DrawerClosed, QuoteIsOld, ChangedMeanwhile (another tab, or a second Enter, was faster), NoRoom: then nothing was recorded.
   */
  async receive({ quote, tenders, released = null }) {
    const session_id = this.openSessionId();
    if (!this.isStillDue(quote)) throw new QuoteIsOld();
    return this.commit("receipt", ({ receipt_sequence }) => ({
      session_id,
      operator: this.operator.code,
      customer_id: quote.customer.id,
      receipt_no: receiptNumber(this.device, receipt_sequence),
      mode: this.isOffline ? "offline" : "online",
      snapshot_as_of: this.download.as_of,
      lines: quote.lines,
      tenders,
      ...(released && { released }),
    }), quote);
  }

  async commit(kind, makeBody, { expectedSeq = this.next_seq, memo = null } = {}) {
    const moment = new Date(this.now);
    const said = { op_id: uuid7(moment.getTime()), kind, occurred_at: withOffset(moment), memo };
    const make = (numbers) => ({ ...said, body: makeBody(numbers) });
    let operation;
    try {
      operation = await commitOperation(this.db, this.device.device_id, make, { expectedSeq });
    } catch (error) {
      if (error instanceof ChangedMeanwhile) await this.readOperations();
      throw error.name === "QuotaExceededError" ? new NoRoom() : error;
    }
    await this.tellKept();
    return operation;
  }

  /** It is kept: whatever fails from here on is no reason to say that it is not. */
  async tellKept() {
    try {
      await this.announce("operations");
      this.announce("hurry");
    } catch (error) {
      console.error(error);
    }
  }

  // The drawer

  get expected() {
    return this.session ? expectedCounts(this.session) : {};
  }

  // Synchronising by hand (H8-H10)

  /** Do the whole synchronisation now. Gives null, or what went wrong. */
  async syncNow() {
    const isThere = await this.sync.round({ forced: true });
    await this.readRows();
    await this.readOperations();
    return isThere ? null : this.connection.trouble ?? "unreachable";
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

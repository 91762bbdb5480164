// One tab of the till talks to the server: is it there (H4), then up with the queue, down with the news, and again.
//
// The tab is chosen by a lock of the browser; the others are told by a channel and read the same database. A round that a
// cashier asks for in another tab waits for the one that is running: nothing is delivered or downloaded twice at a time.

import { undelivered, uploadAll } from "./upload.js";
import { downloadAll, pullChanges } from "./download.js";
import { dayOf } from "./domain/calendar.js";
import { clockOf, watchClock } from "./domain/clock.js";
import { ping, readChanges, readResults, reconcile, Refused, rotate, Unreachable } from "./server.js";
import {
  amendDevice, CopyBroken, forgetDelivered, noteAnswers, offerAgain, readMeta, readOperations, readShown, wipeDownload, writeMeta,
} from "./store.js";

const LEADER = "quita-till-sync";
const ROUND = "quita-till-round";
const ROUND_MS = 15_000;
const CLOCK_EVERY_MS = 1_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
const LONGEST_ASKED_MS = 3_600_000;
const CONTACT_KEPT_EVERY_MS = 600_000;
const MONTH_MS = 30 * 86_400_000;
const NOT_JUDGED = ["pending", "waiting"];
const NOT_CLOSED = [...NOT_JUDGED, "review", "held", "quarantined"];

/** Synchronises until the page goes: emits "connection", "rows", "copy", "operations" and "progress" on `till`. */
export class Synchroniser {
  constructor(db, { emit, contact = null }) {
    this.db = db;
    this.emit = emit;
    this.contact = contact;
    const skew_ms = contact?.skew_ms ?? 0;
    this.connection = { is_online: false, since: contact?.at ?? Date.now(), trouble: null, wait_until: null, skew_ms };
    this.isLeading = false;
    this.isHurried = false;
    this.notBefore = 0;
    this.waitUntil = null;
    this.wake = () => {};
  }

  /** Wait to be the one tab that synchronises, then go round for ever. */
  start() {
    navigator.locks.request(LEADER, async () => {
      this.isLeading = true;
      for (let failures = 0; ; ) {
        failures = (await this.round()) ? 0 : failures + 1;
        await this.rest(failures);
      }
    });
    addEventListener("online", () => this.hurry());
    const wasSet = watchClock({ now: () => Date.now(), elapsed: () => performance.now() });
    setInterval(() => wasSet() && this.hurry(), CLOCK_EVERY_MS);
  }

  /** Do a round now, or as soon as the one that is running has ended. */
  hurry() {
    this.isHurried = true;
    this.wake();
  }

  /** Wait for the next round, less when hurried; a server that asked to be left alone for a while is, whoever hurries. */
  async rest(failures) {
    const backoff = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures) * (0.5 + Math.random() / 2);
    if (!this.isHurried) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, failures ? backoff : ROUND_MS);
        this.wake = () => { clearTimeout(timer); resolve(); };
      });
    }
    await new Promise((resolve) => setTimeout(resolve, this.notBefore - performance.now()));
    this.isHurried = false;
  }

  /**
   * Ask, deliver, take the news. Gives whether the server was there and said nothing that has to be waited out. `forced`: take the
   * whole copy again, unless another window did while this one waited for its turn: then what is new since is enough.
   */
  async round({ forced = false } = {}) {
    const before = await readMeta(this.db, "last_sync");
    const isStillWished = async () => forced && (await readMeta(this.db, "last_sync")) === before;
    return navigator.locks.request(ROUND, async () => this.go({ forced: await isStillWished() }));
  }

  async go({ forced }) {
    this.waitUntil = null;
    try {
      const { server_time } = await ping();
      await this.heard(server_time);
      // A server that answers a ping but failed in the last round is believed only after a whole round.
      if (!this.connection.trouble) this.connected(null);
      const device = await this.deliver();
      if (device) await this.exchange(device, { today: dayOf(server_time), forced });
      await this.askAfterCopy();
      this.connected(null);
      return true;
    } catch (error) {
      this.connected(error);
      return false;
    } finally {
      this.emit("progress", null);
    }
  }

  // The clock and the day are the server's: a till whose own is wrong would date receipts and download again and again.

  async heard(server_time) {
    const contact = clockOf({ at: Date.now(), server_time });
    this.connection = { ...this.connection, skew_ms: contact.skew_ms };
    const isNews = this.contact?.skew_ms !== contact.skew_ms || contact.at - this.contact.at > CONTACT_KEPT_EVERY_MS;
    this.contact = isNews ? contact : this.contact;
    if (isNews) await writeMeta(this.db, "contact", contact);
  }

  now() {
    return Date.now() + this.connection.skew_ms;
  }

  async exchange(device, { today, forced }) {
    const download = await readMeta(this.db, "download");
    if (!forced && download?.business_date === today) return this.pull(device, { today });
    await this.downloadAll(device);
    await this.forgetOld();
    return this.rotate(device);
  }

  // Up

  /** Send what this till and the devices it was before still hold. Gives the present device. */
  async deliver() {
    for (const former of await readMeta(this.db, "former", [])) await this.deliverFormer(former);
    const device = await this.withItsToken(await readMeta(this.db, "device"));
    if (device) await this.upload(device);
    return device;
  }

  /** A former device delivers with its old token, else with the present device's; what it is refused holds nothing else up. */
  async deliverFormer(before) {
    const former = await this.withItsToken(before);
    try {
      await this.upload(former);
      await this.askResults(former);
    } catch (error) {
      if (isOfTheServer(error)) throw error;
      this.heed(error);
      const present = await readMeta(this.db, "device");
      if (error.status === 401 && present) await this.upload(former, { sentBy: present }).catch(rethrowTheServers);
    }
  }

  async upload(device, sentBy) {
    try {
      if (await uploadAll(this.db, device, { ...sentBy, now: () => this.now() })) this.emit("operations");
    } catch (error) {
      if (error.code === "bad_epoch") await this.agreeOnEpoch(device);
      throw error;
    }
  }

  /**
   * The server was restored to before the epoch that this till is in. It learns so by the cursor of the till's copy alone, and begins a
   * later epoch than both; whichever it is in then, the next round delivers in that.
   */
  async agreeOnEpoch(device) {
    const download = await readMeta(this.db, "download");
    if (download) await readChanges(device.token, download.cursor).catch(rethrowTheServers);
    await this.askEpoch(device);
  }

  /** The news tells the present device only: what became of a former one's operations is asked for. */
  async askResults(device, states = NOT_JUDGED) {
    const operations = await readOperations(this.db, device.device_id);
    if (!operations.some((each) => states.includes(each.result?.state))) return;
    for (let after_seq = 0, said = { more: true }; said.more; after_seq = said.results.at(-1)?.seq) {
      said = await readResults(device.token, { after_seq, epoch: device.epoch });
      await this.remember(said.results);
    }
  }

  /** The news begins where a whole copy was made: what the server said before, of what is not closed yet, is asked for. */
  async askAfterCopy() {
    const device = await readMeta(this.db, "device");
    if (!device || !(await readMeta(this.db, "has_to_ask"))) return;
    for (const former of await readMeta(this.db, "former", [])) await this.askResults(former, NOT_CLOSED).catch(rethrowTheServers);
    await this.askResults(device, NOT_CLOSED);
    await writeMeta(this.db, "has_to_ask", false);
  }

  // Tokens (protocol, rotate): a new one is kept before it is used, the old one until the new one has worked.

  async rotate(device) {
    if (this.now() - (device.rotated_at ?? 0) < MONTH_MS) return;
    const { token } = await rotate(device.token);
    await amendDevice(this.db, device.device_id, { next_token: token });
    await this.withItsToken({ ...device, next_token: token });
  }

  async withItsToken(device) {
    if (!device?.next_token) return device;
    const changes = { token: device.next_token, next_token: null, rotated_at: this.now() };
    try {
      await readResults(device.next_token, { limit: 1 });
    } catch (error) {
      if (!(error instanceof Refused && error.status === 401)) throw error;
      changes.token = device.token;
    }
    await amendDevice(this.db, device.device_id, changes);
    return { ...device, ...changes };
  }

  // Down

  async downloadAll(device) {
    const onProgress = (done) => this.emit("progress", done);
    await writeMeta(this.db, "has_to_ask", true);
    const { epoch } = await this.pulling(device, () => downloadAll(this.db, device.token, onProgress));
    await writeMeta(this.db, "last_sync", this.now());
    if (epoch !== device.epoch) await this.beginEpoch(device, epoch);
    this.emit("rows");
  }

  async pull(device, { today }) {
    try {
      const { results, moved, download } = await this.pulling(device, () => pullChanges(this.db, device.token));
      await this.remember(results);
      this.emit(moved ? "rows" : "copy", download);
      await this.compare(device, { today });
    } catch (error) {
      if (!isCopyToRenew(error)) throw error;
      await this.downloadAll(device);
    }
  }

  async remember(results) {
    if (!results.length) return;
    await noteAnswers(this.db, results, this.now());
    this.emit("operations");
  }

  /** Pull, and obey a server that does not let this device pull any more. */
  async pulling(device, pull) {
    try {
      return await pull();
    } catch (error) {
      if (error instanceof Refused && error.problem.wipe === "snapshot") {
        await wipeDownload(this.db);
        this.emit("rows");
      }
      if (error instanceof Refused && error.status === 403) await this.askEpoch(device);
      throw error;
    }
  }

  /** Who may not pull learns of a restore by what he may ask. */
  async askEpoch(device) {
    const { current_epoch } = await readResults(device.token, { limit: 1 });
    if (current_epoch !== device.epoch) await this.beginEpoch(device, current_epoch);
  }

  /** Once a day: does the shown copy add up to the server's window? */
  async compare(device, { today }) {
    if ((await readMeta(this.db, "download")).compared_on === today) return;
    const { download, installments } = await readShown(this.db);
    const balance_cents = installments.reduce((sum, row) => sum + row.balance_cents, 0);
    const operations = (await readOperations(this.db, device.device_id)).filter((each) => each.custody !== null);
    const named = operations.map(({ seq, op_id }) => ({ seq, op_id }));
    const said = await reconcile(device.token, {
      cursor: download.cursor, installments: installments.length, balance_cents, operations: named,
    });
    await writeMeta(this.db, "download", { ...download, compared_on: today });
    if (said.action === "resend") await this.offerAgain(device);
    if (said.action === "snapshot") await this.downloadAll(device);
  }

  /**
   * The server was restored: what it may have lost is delivered again, counted from a first seq of this epoch. So is what the
   * devices that this till was before delivered: they may not ask it.
   */
  async beginEpoch(device, epoch) {
    for (const each of [...(await readMeta(this.db, "former", [])), device]) await this.offerAgain(each);
    const waiting = undelivered(await readOperations(this.db, device.device_id));
    const { next_seq } = await readMeta(this.db, "counters");
    await amendDevice(this.db, device.device_id, { epoch, first_seq: waiting.length ? waiting[0].seq : next_seq });
    this.emit("device");
    this.hurry();
  }

  async offerAgain(device) {
    await offerAgain(this.db, device.device_id, this.now() - MONTH_MS);
    this.emit("operations");
    this.hurry();
  }

  /** Forget what the server has had for thirty days of its own clock. */
  async forgetOld() {
    await forgetDelivered(this.db, { before: this.now() - MONTH_MS });
    this.emit("operations");
  }

  connected(error) {
    const isPassing = error instanceof Unreachable || (error instanceof Refused && error.status >= 500);
    const is_online = !isPassing;
    const since = this.connection.is_online === is_online ? this.connection.since : Date.now();
    this.heed(error);
    this.connection = { ...this.connection, is_online, since, trouble: troubleOf(error), wait_until: this.waitUntil };
    this.emit("connection", this.connection);
  }

  /** Remember until when a server asked to be left alone (Retry-After), an hour at most: money waits here. */
  heed(error) {
    if (!(error instanceof Refused && error.retryAfterSeconds > 0)) return;
    const asked = Math.min(LONGEST_ASKED_MS, error.retryAfterSeconds * 1000);
    this.notBefore = performance.now() + asked;
    this.waitUntil = Date.now() + asked;
  }
}

function troubleOf(error) {
  if (error === null || error instanceof Unreachable) return null;
  if (error instanceof Refused) return error.code;
  if (error instanceof CopyBroken) return "copy_broken";
  if (error.name === "QuotaExceededError") return "no_room";
  console.error(error);
  return "failed";
}

function isCopyToRenew(error) {
  return error instanceof Refused && (error.code === "cursor_reset" || error.code === "bad_cursor");
}

/** Say whether an error has nothing to do with who asked: whoever asks next would meet it, too. */
function isOfTheServer(error) {
  return !(error instanceof Refused) || error.status >= 500;
}

function rethrowTheServers(error) {
  if (isOfTheServer(error)) throw error;
}

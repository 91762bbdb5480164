// One tab of the till talks to the server: is it there (H4), then up with the queue, down with the news, and again.
//
// The tab is chosen by a lock of the browser; the others are told by a channel and read the same database.

import { undelivered, uploadAll } from "./upload.js";
import { CopyBroken, downloadAll, pullChanges } from "./download.js";
import { dayOf } from "./domain/calendar.js";
import { ping, reconcile, Refused } from "./server.js";
import { noteAnswers, offerAgain, readMeta, readOperations, readRows, wipeDownload, writeMeta } from "./store.js";

const LOCK = "quita-till-sync";
const ROUND_MS = 15_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
const KEPT_FOR_MS = 30 * 86_400_000;

/** Synchronises until the page goes: emits "connection", "rows", "operations" and "progress" on `till`. */
export class Synchroniser {
  constructor(db, { emit }) {
    this.db = db;
    this.emit = emit;
    this.connection = { is_online: false, since: Date.now(), trouble: null };
    this.isLeader = false;
    this.wake = () => {};
  }

  /** Wait for the lock, then go round for ever. */
  start() {
    navigator.locks.request(LOCK, async () => {
      this.isLeader = true;
      for (let failures = 0; ; ) {
        failures = (await this.round()) ? 0 : failures + 1;
        await this.rest(failures);
      }
    });
    addEventListener("online", () => this.wake());
  }

  /** Do a round now instead of later. */
  hurry() {
    this.wake();
  }

  rest(failures) {
    const backoff = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
    const wait = failures ? backoff * (0.5 + Math.random() / 2) : ROUND_MS;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.wake = () => { clearTimeout(timer); resolve(); };
    });
  }

  /** Ask, deliver, take the news. Gives whether the server was there and said nothing that has to be waited out. */
  async round({ forced = false, onProgress } = {}) {
    try {
      const { server_time } = await ping();
      await writeMeta(this.db, "contact", { at: Date.now(), server_time });
      // A server that answers a ping but failed in the last round is believed only after a whole round.
      if (!this.connection.trouble) this.connected(null);
      const device = await readMeta(this.db, "device");
      await this.deliver(device);
      if (device) await this.exchange(device, { today: dayOf(server_time), forced, onProgress });
      this.connected(null);
      return true;
    } catch (error) {
      this.connected(error);
      return false;
    }
  }

  // The day is the server's: a till whose clock is wrong would download everything again and again.
  async exchange(device, { today, forced, onProgress }) {
    const download = await readMeta(this.db, "download");
    if (forced || !download || download.business_date !== today) await this.downloadAll(device, onProgress);
    else await this.pull(device, today);
  }

  /** Send what this till and the devices it was before still hold. */
  async deliver(device) {
    for (const each of [...(await readMeta(this.db, "former", [])), ...(device ? [device] : [])]) {
      if (await uploadAll(this.db, each)) this.emit("operations");
    }
  }

  async downloadAll(device, onProgress = (done) => this.emit("progress", done)) {
    const { epoch } = await this.pulling(() => downloadAll(this.db, device.token, onProgress));
    await writeMeta(this.db, "last_sync", Date.now());
    if (epoch !== device.epoch) await this.beginEpoch(device, epoch);
    this.emit("rows");
  }

  async pull(device, today) {
    try {
      const { results, moved } = await this.pulling(() => pullChanges(this.db, device.token));
      await this.remember(results);
      if (moved) this.emit("rows");
      await this.compare(device, today);
    } catch (error) {
      if (!isCopyToRenew(error)) throw error;
      await this.downloadAll(device);
    }
  }

  async remember(results) {
    if (!results.length) return;
    await noteAnswers(this.db, results, Date.now());
    this.emit("operations");
  }

  /** Pull, and obey a server that does not let this device pull any more. */
  async pulling(pull) {
    try {
      return await pull();
    } catch (error) {
      if (error instanceof Refused && error.problem.wipe === "snapshot") {
        await wipeDownload(this.db);
        this.emit("rows");
      }
      throw error;
    }
  }

  /** Once a day: does the shown copy add up to the server's window? */
  async compare(device, today) {
    const download = await readMeta(this.db, "download");
    if (download.compared_on === today) return;
    const { installments } = await readRows(this.db, download.generation);
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

  /** A restored server may lack what the devices that this till was before delivered, too: they may not ask it. */
  async beginEpoch(device, epoch) {
    for (const each of [...(await readMeta(this.db, "former", [])), device]) await this.offerAgain(each);
    const waiting = undelivered(await readOperations(this.db, device.device_id));
    const { next_seq } = await readMeta(this.db, "counters", { next_seq: 1 });
    const first_seq = waiting.length ? waiting[0].seq : next_seq;
    await writeMeta(this.db, "device", { ...device, epoch, first_seq });
    this.wake();
  }

  async offerAgain(device) {
    await offerAgain(this.db, device.device_id, Date.now() - KEPT_FOR_MS);
    this.emit("operations");
  }

  connected(error) {
    const is_online = error === null || error instanceof CopyBroken || (error instanceof Refused && error.status < 500);
    const since = this.connection.is_online === is_online ? this.connection.since : Date.now();
    this.connection = { is_online, since, trouble: error instanceof Refused ? error.code : null };
    this.emit("connection", this.connection);
  }
}

function isCopyToRenew(error) {
  return error instanceof Refused && (error.code === "cursor_reset" || error.code === "bad_cursor");
}

// What a cashier's steps rest on: ids, PIN, clock, documents, search, session, means of payment.
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { test } from "node:test";

import { clockOf, watchClock } from "../../pos_sync/static/till/domain/clock.js";
import { matchesMask } from "../../pos_sync/static/till/domain/documents.js";
import { receiptNumber, uuid7 } from "../../pos_sync/static/till/domain/ids.js";
import { afterAttempt, isPin, lockedUntil } from "../../pos_sync/static/till/domain/pin.js";
import { findCustomers, indexCustomers, meansFirst } from "../../pos_sync/static/till/domain/search.js";
import { expectedCounts, openSession } from "../../pos_sync/static/till/domain/session.js";
import { makeTender, MOST_CHANGE_CENTS, quickAmounts, refit, remainder } from "../../pos_sync/static/till/domain/tendering.js";

test("ids are UUIDv7 and sort by time", () => {
  const ids = [1_700_000_000_000, 1_700_000_000_001].map((now) => uuid7(now));
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(ids[0] < ids[1]);
});

test("a receipt's number is till, series and sequence", () => {
  assert.equal(receiptNumber({ till: "03", receipt_series: "B" }, 41), "03B-000041");
});

const hashOf = (pin) => `pbkdf2_sha256$1000$sal$${pbkdf2Sync(pin, "sal", 1000, 32, "sha256").toString("base64")}`;

test("only the right PIN opens", async () => {
  assert.equal(await isPin("4321", hashOf("4321")), true);
  assert.equal(await isPin("4322", hashOf("4321")), false);
  assert.equal(await isPin("", hashOf("")), false);
  assert.equal(await isPin("4321", "argon2$x"), false);
});

test("five wrong PINs lock for five minutes, a right one forgets them", () => {
  let known;
  for (let at = 0; at < 4; at += 1) known = afterAttempt(known, { isRight: false, now: 0 });
  assert.deepEqual(known, { failures: 4, locked_until: 0 });
  assert.deepEqual(afterAttempt(known, { isRight: false, now: 0 }), { failures: 0, locked_until: 300_000 });
  assert.deepEqual(afterAttempt(known, { isRight: true, now: 0 }), { failures: 0, locked_until: 0 });
});

test("a lock never lasts longer than it was made, whatever the clock did", () => {
  assert.equal(lockedUntil({ locked_until: 300_000 }, 1), 300_000);
  assert.equal(lockedUntil({ locked_until: 300_000 }, 300_000), 0);
  assert.equal(lockedUntil({ locked_until: 10 ** 12 }, 0), 0);
  assert.equal(lockedUntil(undefined, 0), 0);
});

test("a clock a minute apart is right, beyond that the server's counts", () => {
  const server_time = "2026-11-21T12:00:00Z";
  const at = Date.parse(server_time);
  assert.equal(clockOf({ at: at - 60_000, server_time }).skew_ms, 0);
  assert.equal(clockOf({ at: at + 86_400_000, server_time }).skew_ms, -86_400_000);
  assert.equal(clockOf({ at: at - 120_400, server_time }).skew_ms, 120_000);
});

test("a clock that is set, ahead or back, is noticed once; one that runs on is not", () => {
  let [now, elapsed] = [1_000_000, 5];
  const wasSet = watchClock({ now: () => now, elapsed: () => elapsed });
  const run = (ms) => { now += ms; elapsed += ms; };
  run(3_600_000);
  assert.equal(wasSet(), false);
  now += 60_000;
  assert.equal(wasSet(), false);
  for (const jump of [93_600_000, -93_600_000]) {
    now += jump;
    assert.equal(wasSet(), true);
    run(1_000);
    assert.equal(wasSet(), false);
  }
});

test("a document typed with or without its mask finds the masked one", () => {
  assert.equal(matchesMask("***.982.247-**", "529.982.247-25"), true);
  assert.equal(matchesMask("***.982.247-**", "52998224725"), true);
  assert.equal(matchesMask("***.982.247-**", "52998224825"), false);
});

const INDEX = indexCustomers(
  [
    { id: "1", name: "José  da Silva", document_masked: "***.982.247-**" },
    { id: "2", name: "Padaria São João Ltda", document_masked: "**.**C.345/01**-**" },
    { id: "3", name: "Loja 24 Horas", document_masked: "" },
  ],
  [{ customer_id: "2", document: "FAT-123" }, { customer_id: "9", document: "FAT-9" }],
);
const found = (typed) => findCustomers(INDEX, typed).map((each) => each.id);

test("customers are found by the beginnings of words, without accents, in any order", () => {
  assert.deepEqual(found("jose sil"), ["1"]);
  assert.deepEqual(found("joao"), ["2"]);
  assert.deepEqual(found("oao"), []);
  assert.deepEqual(found("  "), []);
});
test("customers are found by document of their own and by invoice", () => {
  for (const typed of ["52998224725", "529.982.247-25", "982247", "982.247", "982.2"]) assert.deepEqual(found(typed), ["1"]);
  for (const typed of ["c.345", "C34501"]) assert.deepEqual(found(typed), ["2"]);
  assert.deepEqual(found("98"), []);
  assert.deepEqual(found("fat-1"), ["2"]);
  assert.deepEqual(found("fat-123"), ["2"]);
  assert.deepEqual(found("fat-9"), []);
});
test("words mean the first whom they find, a code the only one, as a whole", () => {
  const means = (typed) => meansFirst(INDEX, findCustomers(INDEX, typed), typed);
  for (const typed of ["529.982.247-25", "52998224725", "fat-123", "joao", "José", "loja 2", "24 horas"]) assert.ok(means(typed), typed);
  for (const typed of ["982.247", "fat-12", "c.345", "fat-9", "24", "ninguem"]) assert.ok(!means(typed), typed);
  const several = indexCustomers(
    [{ id: "1", name: "Ana", document_masked: "" }, { id: "2", name: "Ana", document_masked: "" }],
    [{ customer_id: "1", document: "FAT-1" }, { customer_id: "2", document: "FAT-1" }],
  );
  assert.ok(!meansFirst(several, findCustomers(several, "FAT-1"), "FAT-1"));
  assert.ok(meansFirst(several, findCustomers(several, "ana"), "ana"));
});

const operation = (kind, body, op_id = kind) => ({ kind, body, op_id, occurred_at: "2026-11-21T10:00:00-03:00" });
const STORY = [
  operation("session_open", { session_id: "s", operator: "7", float_cents: 10000 }),
  operation("receipt", { session_id: "s", tenders: [{ method: "cash", amount_cents: 500 }, { method: "pix", amount_cents: 300 }] }, "a"),
  operation("receipt", { session_id: "s", tenders: [{ method: "cash", amount_cents: 200 }] }, "b"),
  operation("cash_in", { amount_cents: 1000 }),
  operation("cash_out", { amount_cents: 400 }),
  operation("receipt_void", { receipt_op_id: "b" }),
];

test("a session counts float, ins, outs and what was taken and not voided", () => {
  assert.deepEqual(expectedCounts(openSession(STORY)), { cash: 11100, pix: 300 });
});
test("a closed session is none", () => {
  assert.equal(openSession([...STORY, operation("session_close", { session_id: "s" })]), null);
});

const CASH = { code: "cash", offline: true, gives_change: true, needs_reference: false };
const CARD = { code: "card", offline: false, gives_change: false, needs_reference: true };
const tendered = (method, said) => makeTender(method, { typed_cents: 100, remainder_cents: 100, is_offline: false, ...said });

test("cash above the remainder is change", () => {
  assert.deepEqual(tendered(CASH, { typed_cents: 250 }).tender, {
    method: "cash", amount_cents: 100, tendered_cents: 250, change_cents: 150, reference: null,
  });
});
test("cash for which no drawer holds the change was a scanned code or a forgotten comma", () => {
  for (const typed_cents of [7891234500, 100 + MOST_CHANGE_CENTS + 1]) assert.equal(tendered(CASH, { typed_cents }).refused, "change_too_high");
  assert.equal(tendered(CASH, { typed_cents: 100 + MOST_CHANGE_CENTS }).tender.change_cents, MOST_CHANGE_CENTS);
});
test("large notes for a small debt, and many notes for a large one, are taken", () => {
  assert.equal(tendered(CASH, { typed_cents: 20000 }).tender.change_cents, 19900);
  assert.equal(tendered(CASH, { typed_cents: 5000000, remainder_cents: 4987650 }).tender.change_cents, 12350);
});
test("what was entered stays under another total: a card where it fits, cash with the change that is then due", () => {
  const entered = (method, tendered_cents, change_cents = 0) =>
    ({ method, amount_cents: tendered_cents - change_cents, tendered_cents, change_cents, reference: null });
  const card = entered("card", 5000);
  const cash = entered("cash", 3000);
  const again = (total, tenders = [cash, card]) => refit(tenders, total, (code) => code === "cash");
  assert.deepEqual(again(10000), { kept: [card, cash], out: [] });
  assert.deepEqual(again(6000), { kept: [card, entered("cash", 3000, 2000)], out: [] });
  assert.deepEqual(again(5000), { kept: [card], out: [cash] });
  assert.deepEqual(again(4999), { kept: [entered("cash", 3000)], out: [card] });
  assert.deepEqual(again(3500, [entered("cash", 4000, 2500)]), { kept: [entered("cash", 4000, 500)], out: [] });
  assert.deepEqual(again(100, [entered("cash", 100 + MOST_CHANGE_CENTS + 1)]).kept, []);
});
test("a card takes no more than the remainder, wants its reference, and not offline", () => {
  assert.equal(tendered(CARD, { typed_cents: 101, reference: "1" }).refused, "above_remainder");
  assert.equal(tendered(CARD, { reference: " " }).refused, "reference_missing");
  assert.equal(tendered(CARD, { reference: "1", is_offline: true }).refused, "not_offline");
  assert.equal(tendered(CARD, { reference: " 1 " }).tender.reference, "1");
});
test("nothing is no tender", () => assert.equal(tendered(CASH, { typed_cents: 0 }).refused, "amount_missing"));
test("the remainder falls with each tender, never below zero", () => {
  assert.equal(remainder(1000, [{ amount_cents: 400 }]), 600);
  assert.equal(remainder(1000, [{ amount_cents: 1400 }]), 0);
});
test("quick amounts begin with the exact one", () => assert.deepEqual(quickAmounts(12345), [12345, 12500, 13000, 14000, 15000, 20000]));

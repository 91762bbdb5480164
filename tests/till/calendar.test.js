import assert from "node:assert/strict";
import { test } from "node:test";

import {
  addDays, dayOf, daysBetween, formatDay, formatMoment, payableUntil, withOffset,
} from "../../pos_sync/static/till/domain/calendar.js";

test("days are added over the end of a leap February", () => assert.equal(addDays("2028-02-28", 2), "2028-03-01"));
test("days are counted over a change of daylight saving of long ago", () => assert.equal(daysBetween("2018-11-03", "2018-11-05"), 2));
test("a Saturday before a holiday Monday is payable until Tuesday", () => {
  assert.equal(payableUntil("2026-11-14", new Set(["2026-11-16"])), "2026-11-17");
});
test("the day is São Paulo's, whatever the machine's zone", () => {
  assert.equal(dayOf("2026-11-22T02:59:59Z"), "2026-11-21");
  assert.equal(dayOf("2026-11-22T03:00:00Z"), "2026-11-22");
});
test("an instant is sent with São Paulo's offset", () => {
  assert.equal(withOffset(new Date("2026-11-22T02:59:59.123Z")), "2026-11-21T23:59:59.123-03:00");
});
test("days and instants are written the Brazilian way", () => {
  assert.equal(formatDay("2026-11-21"), "21/11/2026");
  assert.equal(formatMoment("2026-11-21T17:03:00Z"), "21/11/2026 14:03");
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { formatBRL, fraction, halfUp, parseBRL } from "../../pos_sync/static/till/domain/money.js";
import { vectors } from "./vectors.js";

for (const { text, cents, refused } of vectors("money.json", "parse")) {
  test(`reading ${JSON.stringify(text)}`, () => {
    if (refused) assert.throws(() => parseBRL(text), { code: refused });
    else assert.equal(parseBRL(text), cents);
  });
}

for (const { cents, text } of vectors("money.json", "format")) {
  test(`writing ${cents}`, () => assert.equal(formatBRL(cents), text));
}

for (const { value, cents } of vectors("money.json", "round_half_up")) {
  if (value.startsWith("-")) continue; // no rule of a till rounds below zero
  test(`rounding ${value}`, () => {
    const [numerator, denominator] = fraction(value);
    assert.equal(halfUp(numerator * 100n, denominator), cents);
  });
}

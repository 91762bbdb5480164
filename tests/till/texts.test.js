// Every word that the till shows stands in texts.js, and none of them is jargon.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { T } from "../../pos_sync/static/till/texts.js";

const BASE = new URL("../../pos_sync/static/till/", import.meta.url);
const sources = readdirSync(BASE, { recursive: true })
  .filter((name) => name.endsWith(".js") && !name.startsWith("vendor") && name !== "texts.js")
  .map((name) => ({ name, text: readFileSync(new URL(name, BASE), "utf8").replace(/^\s*(\/\/|\/?\*).*$/gm, "") }));

const LETTERS = /\p{L}{2,}/u;
const SHAPES = /^(R\$|X{4}(-X{4})*|[↑↓✓·]+)$/;

/** Give the text between the tags of the templates, and what attributes say to a person. */
function shown({ text }) {
  const templates = text.match(/html`(?:\$\{(?:[^{}`]|\{[^{}]*\}|`[^`]*`)*\}|[^`$])*`/gs) ?? [];
  const bare = templates.map((each) => each.replace(/\$\{(?:[^{}`]|\{[^{}]*\})*\}/gs, ""));
  const between = bare.flatMap((each) => [...each.matchAll(/>([^<>{}$`=]+)</g)].map((found) => found[1]));
  const said = [...text.matchAll(/(?:aria-label|placeholder|title|alt|label)="([^"$]+)"/g)].map((found) => found[1]);
  return [...between, ...said].map((each) => each.trim()).filter((each) => LETTERS.test(each) && !SHAPES.test(each));
}

for (const source of sources) {
  test(`${source.name} shows no word of its own`, () => {
    assert.deepEqual(shown(source), []);
    const accented = source.text.match(/["'`][^"'`\n]*[áàâãéêíóôõúç][^"'`\n]*["'`]/gi) ?? [];
    assert.deepEqual(accented, []);
  });
}

test("a word between tags would be found", () => {
  assert.deepEqual(shown({ text: "html`<p class=${x}>Falta ${money(1)} receber</p>`" }), ["Falta  receber"]);
});

test("each trouble with a server that is there is told in words", () => {
  const said = (trouble, is_online = true) => T.troubleOf({ is_online, trouble });
  for (const trouble of ["device_suspended", "rate_limited", "copy_broken", "no_room", "failed"]) assert.equal(said(trouble), T.troubles[trouble]);
  assert.match(said("http_418"), /problema \(http_418\)/);
  assert.equal(said(null), null);
  assert.equal(said("server_error", false), null);
});

test("no cashier is told of machinery", () => {
  const words = readFileSync(new URL("texts.js", BASE), "utf8").match(/"[^"\n]*"|`[^`]*`/g).join("\n");
  for (const jargon of ["token", "snapshot", "cursor", "payload", "outbox", "cache", "UUID", "HTTP", "null", "undefined"]) {
    assert.ok(!new RegExp(`(?<![\\p{L}_.$])${jargon}(?![\\p{L}(])`, "iu").test(words.replace(/\$\{[^}]*\}/g, "")), jargon);
  }
});

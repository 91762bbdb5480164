import assert from "node:assert/strict";
import { test } from "node:test";

import { canonicalContent, sha256 } from "../../pos_sync/static/till/domain/canonical.js";
import { vectors } from "./vectors.js";

for (const { name, operation, canonical, sha256: hash } of vectors("canonical.json", "content")) {
  test(`content: ${name}`, async () => {
    const written = canonicalContent(JSON.parse(operation));
    assert.equal(written, canonical);
    assert.equal(await sha256(written), hash);
  });
}

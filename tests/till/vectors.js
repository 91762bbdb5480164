// The vectors that Python and the till answer alike.
import { readFileSync } from "node:fs";

/** Read one section of tests/wire/<file>. */
export function vectors(file, section) {
  return JSON.parse(readFileSync(new URL(`../wire/${file}`, import.meta.url), "utf-8"))[section];
}

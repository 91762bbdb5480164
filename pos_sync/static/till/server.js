// Asking the server: the protocol's addresses, its problems as codes, and "is it really the server" (H4).

const BASE = "/api/pos/v1";
const PATIENCE_MS = 20_000;
const PING_MS = 4_000;

/** The server cannot be reached, or what answered was not it (a captive portal's page). */
export class Unreachable extends Error {}

/** The server answered with a problem of the protocol. */
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.code ?? `http_${status}`);
    this.status = status;
    this.code = problem.code ?? `http_${status}`;
    this.problem = problem;
    this.retryAfterSeconds = Number(retryAfter) || 0;
  }
}

/** Ask whether the server itself answers; throws Unreachable. */
export async function ping() {
  const said = await ask("GET", "/ping", { patience: PING_MS });
  if (!said.protocol || !said.server_time) throw new Unreachable("not the server");
  return said;
}

/** Exchange a pairing code for a device and its token. */
export function pair(body) {
  return ask("POST", "/pair", { body });
}

/** Give a page of a snapshot; without a token it begins one. */
export function readSnapshot(token, { page_token = "", limit = 1000 } = {}) {
  return ask("GET", `/snapshot?${new URLSearchParams({ page_token, limit })}`, { token, patience: 120_000 });
}

/** Give the changes after a cursor. */
export function readChanges(token, cursor) {
  return ask("GET", `/changes?${new URLSearchParams({ cursor, limit: 1000 })}`, { token });
}

/** Deliver operations. */
export function pushOperations(token, envelope) {
  return ask("POST", "/operations", { token, body: envelope });
}

/** Give what became of this device's operations, page by page. */
export function readResults(token, { after_seq = 0, epoch = "", limit = 1000 } = {}) {
  return ask("GET", `/operations?${new URLSearchParams({ after_seq, epoch, limit })}`, { token });
}

/** Exchange the token for a new one; the old one works until the new one is first used. */
export function rotate(token) {
  return ask("POST", "/token/rotate", { token, body: {} });
}

/** Compare the server's window with what is shown here. */
export function reconcile(token, body) {
  return ask("POST", "/reconcile", { token, body });
}

async function ask(method, path, { token = null, body = undefined, patience = PATIENCE_MS }) {
  const response = await fetched(method, path, { token, body, patience });
  const type = response.headers.get("Content-Type") ?? "";
  if (!type.includes("json")) {
    if (response.status >= 500) throw new Refused(response.status, {}, response.headers.get("Retry-After"));
    throw new Unreachable(`not the server: ${type}`);
  }
  const said = await response.json().catch(() => { throw new Unreachable("cut short"); });
  if (!response.ok) throw new Refused(response.status, said, response.headers.get("Retry-After"));
  return said;
}

async function fetched(method, path, { token, body, patience }) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Device ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(BASE + path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store",
      credentials: "omit", redirect: "error", signal: AbortSignal.timeout(patience),
    });
  } catch (error) {
    throw new Unreachable(error.message);
  }
}

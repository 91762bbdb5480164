// The till's screens put together: which one is shown, the bar that always tells connection and pendências, new versions.

import { html, render, useEffect, useState } from "./vendor/htm-preact.js";
import { Acting, Chip, tameKeys } from "./ui.js";
import { Till } from "./till.js";
import { formatMoment } from "./domain/calendar.js";
import { Close, Move, Open } from "./screens/drawer.js";
import { Day, Pending, Void } from "./screens/history.js";
import { Functions, Home } from "./screens/home.js";
import { Login, Pairing, Resync, takeCode } from "./screens/login.js";
import { Done, Payment } from "./screens/payment.js";
import { Receive, Search } from "./screens/receive.js";
import { newVersion, onNewVersion } from "./version.js";
import { T } from "./texts.js";

const SCREENS = {
  pair: Pairing, login: Login, resync: Resync, home: Home, functions: Functions, open: Open, move: Move, close: Close,
  receive: Receive, search: Search, payment: Payment, done: Done, day: Day, void: Void, pending: Pending,
};
const WITHOUT_OPERATOR = new Set(["pair", "login", "resync", "pending"]);
// Where a new version may take over: no receipt is being taken.
const IDLE = new Set(["pair", "login", "home", "functions"]);
const CLOCK_EVERY_MS = 5_000;

function App({ till, code }) {
  const [place, setPlace] = useState(code ? { name: "pair", said: { code } } : { name: "login", said: {} });
  const [isActing, setActing] = useState(false);
  // What was entered and taken out again unrecorded: told until the next receipt begins, whoever is at the till.
  const [told, setTold] = useState(null);
  const [, redraw] = useState(0);
  useEffect(() => {
    const changed = () => redraw((count) => count + 1);
    till.addEventListener("change", changed);
    onNewVersion(changed);
    return () => till.removeEventListener("change", changed);
  }, []);
  const go = (name, said = {}, out = leftBehind(place, name, said)) => {
    if (out.length) setTold(T.tendersOut(out.map((each) => T.tenderNamed(till.methodName(each.method), each)), T.whyOut[name] ?? T.whyOut.left));
    else if (name === "receive" || name === "done") setTold(null);
    setPlace({ name, said });
  };
  const change = (draft) => setPlace({ name: place.name, said: { ...place.said, draft } });
  const name = nameOf(place, till);
  const pairing = { onPaired: () => go("login"), onBack: till.device ? () => go("login") : null };
  return html`<${Acting.Provider} value=${setActing}>
    <${Top} till=${till} told=${told} />
    <${SCREENS[name]} key=${name} till=${till} go=${go} change=${change} ...${name === "pair" ? pairing : {}} ...${place.said} />
    <${Bar} till=${till} go=${go} isIdle=${IDLE.has(name)} isActing=${isActing} />
  </${Acting.Provider}>`;
}

/** Give the tenders that were entered for a receipt that is left without an end. */
function leftBehind({ said: { draft } }, name, said) {
  return name === "done" || said.draft ? [] : draft?.tenders ?? [];
}

function nameOf({ name }, till) {
  if (!till.device) return name === "pending" ? name : "pair";
  return till.operator || WITHOUT_OPERATOR.has(name) ? name : "login";
}

function Top({ till, told }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), CLOCK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<header class="top"><strong>${till.device ? till.branch.name : T.appName}</strong>
    ${till.device && html`<span class="till-number">${T.till(till.device.till)}</span>`}<time>${formatMoment(till.now)}</time>
    ${told && html`<p class="notice amber" role="alert">${told}</p>`}</header>`;
}

/** Connection, pendências, age of the data, operator: always there, in words; what changes about the connection is read out. */
function Bar({ till, go, isIdle, isActing }) {
  const version = newVersion();
  const { is_online, trouble, wait_until } = till.connection;
  const connection = is_online ? (trouble ? T.connectedTrouble : T.connected) : T.offlineSince(till.connection.since, Date.now());
  const waits = wait_until && T.waits(wait_until, Date.now());
  const { pending } = till;
  return html`<footer class="bar">
    <${Chip} tone=${is_online && !trouble ? "green" : "amber"}>${connection}</${Chip}>
    ${(till.device || pending.count > 0) && html`<button type="button" class="link" onClick=${() => go("pending")} disabled=${isActing}>${T.pendingChip(pending)}</button>`}
    ${till.device && html`<span>${whatComes(till, waits)}</span>`}
    ${version && html`<span>${T.newVersion}</span>`}
    ${version && isIdle && html`<button type="button" class="link" onClick=${version}>${T.update}</button>`}
    <span class="end">${till.operator ? `${T.operator} ${till.operator.name}` : ""}</span>
    <span class="hidden" role="status">${[connection, waits, T.troubleOf(till.connection), version && T.newVersion].filter(Boolean).join(". ")}</span>
  </footer>`;
}

/** How far a download is, until when the server wants to be left alone, or how old the data are: whichever matters most. */
function whatComes({ progress, download }, waits) {
  if (progress) return T.syncing(progress);
  return waits || (download ? T.dataOf(download.as_of) : T.dataNever);
}

const root = document.getElementById("till");
const say = (words) => {
  const starting = document.createElement("p");
  starting.className = "starting";
  starting.textContent = words;
  root.replaceChildren(starting);
};

async function start() {
  if (!isSecureContext) return say(T.notSecure(location.origin));
  if (!navigator.locks || !crypto.subtle) return say(T.oldBrowser);
  tameKeys();
  const code = takeCode();
  const till = await Till.open({ onBlocked: () => say(T.blocked) });
  root.replaceChildren();
  return render(html`<${App} till=${till} code=${code} />`, root);
}

start().catch((error) => {
  say(T.notStarted(error.message));
  throw error;
});

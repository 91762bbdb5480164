// The till's screens put together: which one is shown, the bar that always tells connection and pendências, new versions.

import { html, render, useEffect, useState } from "./vendor/htm-preact.js";
import { Chip } from "./ui.js";
import { Till } from "./till.js";
import { formatMoment } from "./domain/calendar.js";
import { Close, Move, Open } from "./screens/drawer.js";
import { Day, Pending, Void } from "./screens/history.js";
import { Functions, Home } from "./screens/home.js";
import { Login, Pairing, Resync } from "./screens/login.js";
import { Done, Payment } from "./screens/payment.js";
import { Receive, Search } from "./screens/receive.js";
import { newVersion } from "./version.js";
import { T } from "./texts.js";

const SCREENS = {
  login: Login, resync: Resync, home: Home, functions: Functions, open: Open, move: Move, close: Close,
  receive: Receive, search: Search, payment: Payment, done: Done, day: Day, void: Void, pending: Pending,
};
const WITHOUT_OPERATOR = new Set(["login", "resync", "pending"]);
// Where a new version may take over: no receipt is being taken.
const IDLE = new Set(["login", "home", "functions"]);

function App({ till }) {
  const [place, setPlace] = useState({ name: "login", said: {} });
  const [, redraw] = useState(0);
  useEffect(() => {
    const changed = () => redraw((count) => count + 1);
    till.addEventListener("change", changed);
    return () => till.removeEventListener("change", changed);
  }, []);
  const go = (name, said = {}) => setPlace({ name, said });
  const change = (draft) => setPlace({ name: place.name, said: { ...place.said, draft } });
  if (!till.device) return html`<${Top} till=${till} /><${Pairing} till=${till} /><${Bar} till=${till} />`;
  const name = till.operator || WITHOUT_OPERATOR.has(place.name) ? place.name : "login";
  return html`<${Top} till=${till} />
    <${SCREENS[name]} key=${name} till=${till} go=${go} change=${change} ...${place.said} />
    <${Bar} till=${till} go=${go} isIdle=${IDLE.has(name)} />`;
}

function Top({ till }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5_000);
    return () => clearInterval(timer);
  }, []);
  return html`<header class="top"><strong>${till.device ? till.device.branch.name : T.appName}</strong>
    ${till.device && html`<span>${T.till(till.device.till)}</span>`}<time>${formatMoment(now)}</time></header>`;
}

/** Connection, pendências, age of the data, operator: always there, in words. */
function Bar({ till, go = () => {}, isIdle = false }) {
  const version = newVersion();
  const { is_online, since, trouble } = till.connection;
  const connection = is_online ? (trouble ? T.connectedTrouble : T.connected) : T.offlineSince(since);
  return html`<footer class="bar" role="status">
    <${Chip} tone=${is_online && !trouble ? "green" : "amber"}>${connection}</${Chip}>
    ${till.device && html`<button type="button" class="link" onClick=${() => go("pending")}>${T.pendingChip(till.pending)}</button>`}
    ${till.progress && html`<span>${T.syncing(till.progress)}</span>`}
    ${till.device && html`<span>${till.download ? T.dataOf(till.download.as_of) : T.dataNever}</span>`}
    ${version && html`<span>${T.newVersion}</span>`}
    ${version && isIdle && html`<button type="button" class="link" onClick=${version}>${T.update}</button>`}
    <span class="end">${till.operator ? `${T.operator} ${till.operator.name}` : ""}</span>
  </footer>`;
}

const root = document.getElementById("till");
try {
  const till = await Till.open();
  root.replaceChildren();
  render(html`<${App} till=${till} />`, root);
} catch (error) {
  root.textContent = T.failed(error.message);
  throw error;
}

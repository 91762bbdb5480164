// Between receipts: the till's idle screen, "Mais funções" (F12, H14), and the alert before receiving offline (H16).

import { html } from "../vendor/htm-preact.js";
import { FirstKey, Key, money, Screen, useKeys } from "../ui.js";
import { dayOf } from "../domain/calendar.js";
import { T } from "../texts.js";

export function Home({ till, go }) {
  const { session } = till;
  const keys = { F12: () => go("functions") };
  if (!session) keys.F2 = () => go("open");
  else keys.F10 = () => go("receive");
  useKeys(keys);
  const side = html`
    ${session
      ? html`<${FirstKey} label=${T.receive} name="F10" onPress=${keys.F10} />`
      : html`<${FirstKey} label=${T.openSession} name="F2" onPress=${keys.F2} />`}
    <${Key} label=${T.moreFunctions} name="F12" onPress=${keys.F12} />`;
  return html`<${Screen} title=${session ? T.homeTitle : T.homeClosed} side=${side} tone="calm">
    <${Notices} till=${till} />
    <p class="hero">${till.branch.name}<small>${T.till(till.device.till)}</small></p>
    <p class="lead center">${session ? T.homeOpened(session.opened_at, till.operatorOf(session.operator)?.name ?? session.operator) : T.homeClosedHelp}</p>
    ${session && dayOf(session.opened_at) !== till.today && html`<p class="notice amber">${T.homeOld}</p>`}
  </${Screen}>`;
}

/** What stands in the way of a calm day: this till is stopped, the server has a problem, the clock is wrong. */
export function Notices({ till }) {
  const { skew_ms } = till.connection;
  const words = [T.troubleOf(till.connection), skew_ms !== 0 && T.clockWrong(skew_ms)].filter(Boolean);
  return words.map((each) => html`<p key=${each} class="notice amber" role="status">${each}</p>`);
}

export function Functions({ till, go }) {
  const isOpen = Boolean(till.session);
  const functions = [
    ["F10", T.receive, () => go("receive"), isOpen],
    ["F2", T.openSession, () => go("open"), !isOpen],
    ["F6", T.cashIn, () => go("move", { kind: "cash_in" }), isOpen],
    ["F7", T.cashOut, () => go("move", { kind: "cash_out" }), isOpen],
    ["F8", T.day, () => go("day"), true],
    ["F9", T.pendings, () => go("pending"), true],
    ["F4", T.closeSession, () => go("close"), isOpen],
    ["F3", T.signOut, () => { till.signOut(); go("login"); }, true],
  ].filter(([, , , isOffered]) => isOffered);
  useKeys({ Escape: () => go("home"), ...Object.fromEntries(functions.map(([key, , act]) => [key, act])) });
  return html`<${Screen} title=${T.functionsTitle} side=${html`<${Key} label=${T.back} name="Esc" onPress=${() => go("home")} />`}>
    <div class="functions">${functions.map(([key, label, act], at) =>
      html`<${at === 0 ? FirstKey : Key} key=${key} name=${key} label=${label} onPress=${act} />`)}</div>
  </${Screen}>`;
}

export function OfflineAlert({ till, onContinue, onBack }) {
  useKeys({ Escape: onBack });
  const side = html`<${FirstKey} label=${T.ok} name="Enter" onPress=${onContinue} /><${Key} label=${T.back} name="Esc" onPress=${onBack} />`;
  return html`<${Screen} title=${T.offlineTitle} side=${side} tone="amber">
    <div class="words" role="alert"><p class="question">${T.offlineText(till.download.as_of)}</p><p class="lead">${T.offlineLater}</p></div>
  </${Screen}>`;
}

/** Nothing was downloaded yet, or the server had it wiped: there is nothing to receive. */
export function NoData({ till, onBack }) {
  useKeys({ Escape: onBack });
  return html`<${Screen} title=${T.receiveTitle} side=${html`<${FirstKey} label=${T.back} name="Esc" onPress=${onBack} />`} tone="amber">
    <p class="question" role="alert">${T.noData}</p><${Notices} till=${till} />
  </${Screen}>`;
}

/** The means that were entered, each with its amount. */
export const Tendered = ({ till, tenders }) =>
  tenders.map((tender, at) => html`<p key=${at} class="tendered">${till.methodName(tender.method)} <strong>${money(tender.amount_cents)}</strong></p>`);

/** From here on an amount is written smaller: it would not fit beside the keys. */
const LONG_CENTS = 10_000_000;

export const Total = ({ label, value, tone = "" }) =>
  html`<div class="total ${tone} ${value >= LONG_CENTS ? "long" : ""}"><span>${label}</span><strong>${money(value)}</strong></div>`;

// Between receipts: the till's idle screen, "Mais funções" (F12, H14), and the alert before receiving offline (H16).

import { html } from "../vendor/htm-preact.js";
import { Key, money, Screen, useKeys } from "../ui.js";
import { FirstKey } from "./login.js";
import { T } from "../texts.js";

export function Home({ till, go }) {
  const keys = { F12: () => go("functions") };
  if (!till.session) keys.F2 = () => go("open");
  else keys.F10 = () => go("receive");
  useKeys(keys);
  const side = html`
    ${till.session
      ? html`<${FirstKey} label=${T.receive} name="F10" onPress=${keys.F10} />`
      : html`<${FirstKey} label=${T.openSession} name="F2" onPress=${keys.F2} />`}
    <${Key} label=${T.moreFunctions} name="F12" onPress=${keys.F12} />`;
  return html`<${Screen} title=${till.session ? T.homeTitle : T.homeClosed} side=${side} tone="calm">
    <p class="hero">${till.device.branch.name}<small>${T.till(till.device.till)}</small></p>
    ${!till.session && html`<p class="lead">${T.homeClosedHelp}</p>`}
  </${Screen}>`;
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
    <div role="alert"><p class="question">${T.offlineText(till.download.as_of)}</p><p class="lead">${T.offlineLater}</p></div>
  </${Screen}>`;
}

export const Total = ({ label, value, tone = "" }) =>
  html`<div class="total ${tone}"><span>${label}</span><strong>${money(value)}</strong></div>`;

// Means of payment until the remainder is zero (H20-H22), the supervisor where a limit asks for one, then the receipt.

import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { cents, Key, money, Screen, Text, useFocus, useKeys } from "../ui.js";
import { ChangedMeanwhile, NoRoom } from "../till.js";
import { changeOf, makeTender, quickAmounts, remainder } from "../domain/tendering.js";
import { formatBRL } from "../domain/money.js";
import { FirstKey } from "./login.js";
import { Total } from "./home.js";
import { Receipt } from "./receipt.js";
import { T } from "../texts.js";

export function Payment({ till, go, draft, chosen, lines, total }) {
  const [tenders, setTenders] = useState([]);
  const [error, setError] = useState(null);
  const [objections, setObjections] = useState(() => till.objections(total));
  const isTaking = useRef(false);
  const back = () => go("receive", { draft });
  useEffect(() => { till.makeSureOfRoom().catch(() => setError(T.noRoom)); }, []);
  const left = remainder(total, tenders);
  useKeys(objections.length ? {} : { Escape: back });
  const launch = (tender) => {
    const all = [...tenders, tender];
    setTenders(all);
    if (remainder(total, all) === 0) take(all);
  };
  const take = async (all) => {
    if (isTaking.current) return;
    isTaking.current = true;
    try {
      await till.makeSureOfRoom();
      const operation = await till.receive({ customer_id: draft.customer.id, lines, tenders: all, expectedSeq: draft.expectedSeq });
      go("done", { operation, count: lines.length });
    } catch (problem) {
      setTenders([]);
      setError(problem instanceof ChangedMeanwhile ? T.changedMeanwhile : problem instanceof NoRoom ? T.noRoom : T.failed(problem.message));
    } finally {
      isTaking.current = false;
    }
  };
  if (objections.length) {
    return html`<${Objections} till=${till} found=${objections} onPass=${() => setObjections([])} onBack=${back} />`;
  }
  const side = html`
    <${Total} label=${T.remaining} value=${left} tone="huge" />
    ${tenders.map((tender, at) => html`<p key=${at} class="tendered">${till.methodName(tender.method)} <${Amount} cents=${tender.amount_cents} /></p>`)}
    ${tenders.length > 0 && html`<${Key} label=${T.undoTenders} onPress=${() => setTenders([])} />`}
    <${Key} label=${T.back} name="Esc" onPress=${back} />`;
  return html`<${Screen} title=${T.paymentTitle} side=${side}>
    <p class="who">${draft.customer.name}<small>${T.chosen(chosen.length)}</small></p>
    ${error && html`<p class="error" role="alert">${error}</p>`}
    ${left > 0 && html`<${Tendering} key=${tenders.length} till=${till} left=${left} onLaunch=${launch} />`}
  </${Screen}>`;
}

const Amount = ({ cents: value }) => html`<strong>${money(value)}</strong>`;

function Tendering({ till, left, onLaunch }) {
  const methods = till.methods;
  const usable = (method) => method.offline || !till.isOffline;
  const [at, setAt] = useState(() => Math.max(0, methods.findIndex((each) => each.code === "cash" && usable(each))));
  const [typed, setTyped] = useState(formatBRL(left));
  const [reference, setReference] = useState("");
  const [error, setError] = useState(null);
  const list = useFocus();
  const method = methods[at];
  const focus = (id) => document.getElementById(id).focus();
  const made = () => makeTender(method, { typed_cents: cents(typed) ?? 0, reference, remainder_cents: left, is_offline: till.isOffline });
  const given = cents(typed);
  const change = method?.gives_change && given > left ? given - left : 0;
  const chose = () => { if (usable(method)) { const field = document.getElementById("given"); field.focus(); field.select(); } else setError(T.tenderRefused.not_offline); };
  const typedEnough = () => focus(method.needs_reference ? "reference" : "launch");
  const launch = () => {
    const { tender, refused } = made();
    if (refused) { setError(T.tenderRefused[refused]); return focus(refused === "reference_missing" ? "reference" : "given"); }
    return onLaunch(tender);
  };
  const move = (by) => { if (document.activeElement === list.current) { setError(null); setAt(Math.min(methods.length - 1, Math.max(0, at + by))); } };
  const press = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); }
    else if (event.key === "Enter") { event.preventDefault(); chose(); }
  };
  return html`<div class="tendering">
    <ul class="methods" role="listbox" tabindex="0" aria-label=${T.method} aria-activedescendant="method-${at}" ref=${list} onKeyDown=${press}>
      ${methods.map((each, place) => html`<li key=${each.code} id="method-${place}" role="option" aria-selected=${place === at ? "true" : "false"}
        aria-disabled=${usable(each) ? "false" : "true"} class="${place === at ? "at" : ""} ${usable(each) ? "" : "off"}"
        onClick=${() => { setAt(place); setError(null); }}>${each.name}${!usable(each) && html`<small>${T.notOffline}</small>`}</li>`)}
    </ul>
    <div class="giving">
      <${Text} id="given" label=${T.given} value=${typed} onType=${(value) => { setError(null); setTyped(value); }} onEnter=${typedEnough} error=${error} inputmode="decimal" class="big" />
      ${method?.gives_change && html`<div class="quick">${quickAmounts(left).map((value) => html`<button key=${value} type="button" class="quick-amount" onClick=${() => { setTyped(formatBRL(value)); focus("launch"); }}>${formatBRL(value)}</button>`)}</div>`}
      ${method?.needs_reference && html`<${Text} id="reference" label=${T.reference} value=${reference} onType=${setReference} onEnter=${() => focus("launch")} />`}
      ${change > 0 && html`<${Total} label=${T.change} value=${change} tone="change" />`}
      <button type="button" id="launch" class="key main" onClick=${launch}><span>${T.launch}</span><kbd>Enter</kbd></button>
    </div></div>`;
}

/** Limits of the till without the server: a warning goes on, a ceiling wants a supervisor, data too old stop (before money is taken). */
function Objections({ till, found, onPass, onBack }) {
  const isStop = found.some((each) => each.level === "stop");
  const needsSupervisor = !isStop && found.some((each) => each.level === "supervisor");
  useKeys({ Escape: onBack });
  const words = found.map((each) => html`<li key=${each.code}>${T.objections[each.code](each.limit)}</li>`);
  const side = html`${!isStop && !needsSupervisor && html`<${FirstKey} label=${T.continue} name="Enter" onPress=${onPass} />`}
    ${isStop && html`<${FirstKey} label=${T.back} name="Enter" onPress=${onBack} />`}
    <${Key} label=${T.back} name="Esc" onPress=${onBack} />`;
  return html`<${Screen} title=${needsSupervisor ? T.supervisorTitle : T.offlineTitle} side=${side} tone="amber">
    <ul class="question" role="alert">${words}</ul>
    ${needsSupervisor && html`<${Supervisor} till=${till} onPass=${onPass} />`}
  </${Screen}>`;
}

/** A supervisor's code and PIN, checked on this device. */
export function Supervisor({ till, onPass }) {
  const [code, setCode] = useState("");
  const [pin, setPin] = useState("");
  const [error, setError] = useState(null);
  const field = useFocus();
  const check = async () => {
    const operator = till.operatorOf(code.trim());
    if (!operator) return setError(T.loginRefused.unknown);
    if (!operator.supervisor) return setError(T.notSupervisor);
    const said = await till.tryPin(operator, pin);
    setPin("");
    if (said.operator) return onPass(operator);
    return setError(said.refused === "locked" ? T.loginLocked(said.until) : T.loginRefused.wrong);
  };
  return html`<p class="lead">${T.supervisorHelp}</p>
    <${Text} id="supervisor" label=${T.operator} value=${code} onType=${setCode} refer=${field} onEnter=${() => document.getElementById("supervisor-pin").focus()} inputmode="numeric" />
    <${Text} id="supervisor-pin" label=${T.pin} type="password" value=${pin} onType=${setPin} onEnter=${check} error=${error} inputmode="numeric" />
    <${Key} label=${T.confirm} name="Enter" tone="main" onPress=${check} />`;
}

/** "Parcela recebida": the receipt's number, change, print (H22). */
export function Done({ till, go, operation, count }) {
  const change = changeOf(operation.body.tenders);
  const again = () => go("receive");
  const home = () => go("home");
  const print = () => window.print();
  useKeys({ F10: again, Escape: home });
  const side = html`<${FirstKey} label=${T.print} name="Enter" onPress=${print} />
    <${Key} label=${T.newReceipt} name="F10" onPress=${again} /><${Key} label=${T.back} name="Esc" onPress=${home} />`;
  return html`<${Screen} title=${T.doneTitle(count)} side=${side} tone="calm">
    <p class="who" role="status"><span class="green">✓</span> ${T.receiptNumber} ${operation.body.receipt_no}<small>${operation.memo.customer.name}</small></p>
    ${change > 0 && html`<${Total} label=${T.change} value=${change} tone="huge change" />`}
    <${Receipt} till=${till} operation=${operation} />
  </${Screen}>`;
}

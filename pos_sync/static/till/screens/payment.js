// Means of payment until the remainder is zero (H20-H22), then the receipt. What stands against it is asked before (objections.js).

import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { cents, FirstKey, Key, money, Screen, Text, useAct, useFocus, useKeys } from "../ui.js";
import { ChangedMeanwhile, DrawerClosed, NoRoom, QuoteIsOld } from "../till.js";
import { discountIn } from "../domain/allocate.js";
import { changeOf, makeTender, MOST_CHANGE_CENTS, quickAmounts, remainder } from "../domain/tendering.js";
import { formatBRL } from "../domain/money.js";
import { Tendered, Total } from "./home.js";
import { Objections } from "./objections.js";
import { printReceipts, Receipt } from "./receipt.js";
import { T } from "../texts.js";

/** What was entered stays in the draft, whatever goes wrong, and is there again after the part or the ticks were changed. */
export function Payment({ till, go, change, draft, quote }) {
  const { total } = quote;
  const { tenders = [] } = draft;
  const setTenders = (all) => change({ ...draft, tenders: all });
  const granted = discountIn(quote.lines);
  // Why not a cent may be taken here any more: only the way back is left.
  const [stopped, setStopped] = useState(null);
  const [error, setError] = useState(null);
  const [answered, setAnswered] = useState({ codes: new Set(), supervisor: null });
  // What stopped it goes along: a fast Enter must not wipe it off.
  const back = () => go("receive", { draft, told: stopped });
  useEffect(() => { till.makeSureOfRoom().catch(() => setStopped(T.noRoom)); }, []);
  const left = remainder(total, tenders);
  const [take, isActing] = useAct(async (all) => {
    setError(null);
    try {
      await till.makeSureOfRoom();
      const released = answered.supervisor && { supervisor: answered.supervisor.code, limits: [...answered.codes] };
      const operation = await till.receive({ quote, tenders: all, released });
      go("done", { operation, count: quote.lines.length });
    } catch (problem) {
      if (problem instanceof NoRoom) setStopped(T.noRoom);
      else if (problem instanceof DrawerClosed) setStopped(T.drawerClosed);
      else if (problem instanceof QuoteIsOld || problem instanceof ChangedMeanwhile) setStopped(T.quoteIsOld);
      else setError(T.failed(problem.message || problem.name));
    }
  });
  const isKeeping = isActing && !stopped;
  // Asked again at each step: the connection may go, or the server stop this till, while the means are entered.
  const objections = (isActing || stopped ? [] : till.objections(total)).filter((each) => !answered.codes.has(each.code));
  useKeys(objections.length || isKeeping ? {} : { Escape: back });
  const launch = (tender) => {
    const all = [...tenders, tender];
    setError(null);
    setTenders(all);
    if (remainder(total, all) === 0) take(all);
  };
  if (objections.length) {
    const pass = (supervisor) => setAnswered({
      codes: new Set([...answered.codes, ...objections.map((each) => each.code)]), supervisor: supervisor ?? answered.supervisor,
    });
    return html`<${Objections} till=${till} found=${objections} onPass=${pass} onBack=${back} />`;
  }
  const side = html`
    <${Total} label=${T.remaining} value=${left} tone="huge" />
    <${Tendered} till=${till} tenders=${tenders} />
    ${tenders.length > 0 && html`<${Key} label=${T.undoTenders} onPress=${() => setTenders([])} disabled=${isKeeping} />`}
    <${stopped ? FirstKey : Key} key=${stopped ? "stopped" : "back"} label=${T.back} name="Esc" onPress=${back} disabled=${isKeeping} />`;
  return html`<${Screen} title=${T.paymentTitle} side=${side} tone=${stopped ? "red" : ""}>
    <p class="who">${quote.customer.name}<small>${T.chosen(quote.lines.length)}${granted > 0 && html` · ${T.discount} ${money(granted)}`}</small></p>
    ${stopped && html`<p class="question" role="alert">${stopped}</p>`}
    ${error && html`<p class="error" role="alert">${error}</p>`}
    ${!stopped && left > 0 && html`<${Tendering} key=${tenders.length} till=${till} left=${left} onLaunch=${launch} />`}
    ${!stopped && !isActing && left === 0 && html`<div class="giving">
      ${changeOf(tenders) > 0 && html`<${Total} label=${T.change} value=${changeOf(tenders)} tone="change" />`}
      <${FirstKey} label=${T.record} name="Enter" onPress=${() => take(tenders)} /></div>`}
  </${Screen}>`;
}

function Tendering({ till, left, onLaunch }) {
  const methods = till.methods;
  const usable = (method) => method.offline || !till.isOffline;
  const [code, setCode] = useState(() => (methods.find((each) => each.code === "cash" && usable(each)) ?? methods[0])?.code);
  const [typed, setTyped] = useState(formatBRL(left));
  const [reference, setReference] = useState("");
  const [error, setError] = useState(null);
  const list = useFocus();
  // A download may move the means that was chosen, or take it away: then it is at -1.
  const at = methods.findIndex((each) => each.code === code);
  const method = methods[at];
  const focus = (id) => document.getElementById(id).focus();
  const select = (id) => { focus(id); document.getElementById(id).select(); };
  const given = cents(typed);
  const change = method?.gives_change && given > left ? given - left : 0;
  const choose = (next) => { setCode(next.code); setError(null); if (!next.gives_change && given > left) setTyped(formatBRL(left)); };
  const chosen = () => {
    if (!method) return setError({ method: T.methodGone });
    if (!usable(method)) return setError({ method: T.tenderRefused.not_offline });
    return select("given");
  };
  const refuse = (id, words) => { setError({ [id]: words }); select(id); };
  const refuseMethod = (words) => { setError({ method: words }); list.current.focus(); };
  const launch = () => {
    if (!method) return refuseMethod(T.methodGone);
    if (given === null) return refuse("given", T.amountBad);
    const { tender, refused } = makeTender(method, { typed_cents: given, reference, remainder_cents: left, is_offline: till.isOffline });
    if (tender) return onLaunch(tender);
    if (refused === "not_offline") return refuseMethod(T.tenderRefused.not_offline);
    return refuse(refused === "reference_missing" ? "reference" : "given", T.tenderRefused[refused]);
  };
  const press = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && methods.length) choose(methods[Math.min(methods.length - 1, Math.max(0, at + by))]);
    else if (event.key === "Enter") chosen();
    else return;
    event.preventDefault();
  };
  return html`<div class="tendering">
    <div class="giving"><ul class="methods" role="listbox" tabindex="0" aria-label=${T.method} aria-activedescendant=${method ? `method-${at}` : null} ref=${list} onKeyDown=${press}>
      ${methods.map((each, place) => html`<li key=${each.code} id="method-${place}" role="option" aria-selected=${place === at ? "true" : "false"}
        aria-disabled=${usable(each) ? "false" : "true"} class="${place === at ? "at" : ""} ${usable(each) ? "" : "off"}"
        onClick=${() => choose(each)}>${each.name}${!usable(each) && html`<small>${T.notOffline}</small>`}</li>`)}
    </ul>${error?.method && html`<p class="error" role="alert">${error.method}</p>`}</div>
    <div class="giving">
      <${Text} id="given" label=${T.given} value=${typed} onType=${(value) => { setError(null); setTyped(value); }} error=${error?.given} inputmode="decimal" class="big"
        onEnter=${() => focus(method?.needs_reference ? "reference" : "launch")} />
      ${method?.gives_change && html`<div class="quick">${quickAmounts(left).map((value) => html`<button key=${value} type="button" class="quick-amount" onClick=${() => { setTyped(formatBRL(value)); focus("launch"); }}>${formatBRL(value)}</button>`)}</div>`}
      ${method?.needs_reference && html`<${Text} id="reference" label=${T.reference} value=${reference} onType=${setReference} error=${error?.reference} onEnter=${() => focus("launch")} />`}
      ${change > 0 && change <= MOST_CHANGE_CENTS && html`<${Total} label=${T.change} value=${change} tone="change" />`}
      <button type="button" id="launch" class="key main" onClick=${launch}><span>${T.launch}</span><kbd>Enter</kbd></button>
    </div></div>`;
}

/** "Parcela recebida": the receipt's number, change, print (H22). */
export function Done({ till, go, operation, count }) {
  const change = changeOf(operation.body.tenders);
  const again = () => go("receive");
  const home = () => go("home");
  useKeys({ F10: again, Escape: home });
  const side = html`<${FirstKey} label=${T.print} name="Enter" onPress=${printReceipts} />
    <${Key} label=${T.newReceipt} name="F10" onPress=${again} /><${Key} label=${T.back} name="Esc" onPress=${home} />`;
  return html`<${Screen} title=${T.doneTitle(count)} side=${side} tone="calm">
    <p class="who" role="status"><span class="green" aria-hidden="true">✓</span> ${T.receiptNumber} ${operation.body.receipt_no}<small>${operation.memo.customer.name}</small></p>
    ${change > 0 && html`<${Total} label=${T.change} value=${change} tone="huge change" />`}
    <${Receipt} till=${till} operation=${operation} />
  </${Screen}>`;
}

// What was done here: the receipts of the day and of the open session (reprint, cancel), and every operation with the server's word.

import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Chip, FirstKey, kept, Key, money, Screen, Text, useAct, useFocus, useKeys, useOnce, usePlace } from "../ui.js";
import { undelivered } from "../upload.js";
import { amountOf } from "../domain/tendering.js";
import { formatMoment } from "../domain/calendar.js";
import { exportFile } from "../export.js";
import { printReceipts, Receipt } from "./receipt.js";
import { Supervisor } from "./objections.js";
import { T } from "../texts.js";

const REASON = { least: 15, most: 500 };
const MOST_SHOWN = 500;
const totalOf = (operation) => amountOf(operation.body.tenders);

export function Day({ till, go }) {
  const [open, setOpen] = useState(null);
  const [isAll, setAll] = useState(false);
  const table = useRef(null);
  const receipts = till.receipts(isAll ? null : till.today);
  const [at, setAt] = usePlace(receipts.map((each) => each.operation.op_id));
  const here = receipts[at];
  const back = () => (open ? setOpen(null) : go("functions"));
  const cancel = () => here?.mayBeVoided && go("void", { operation: here.operation });
  useEffect(() => { if (!open) table.current?.querySelectorAll("tbody tr")[at]?.focus(); }, [at, here?.operation.op_id, open, isAll]);
  useKeys(open ? { Escape: back } : {
    Escape: back, ArrowDown: () => setAt(Math.min(receipts.length - 1, at + 1)), ArrowUp: () => setAt(Math.max(0, at - 1)),
    Enter: () => here && setOpen(here), Delete: cancel, F6: () => setAll(!isAll),
  });
  if (open) {
    const side = html`<${FirstKey} label=${T.printAgain} name="Enter" onPress=${printReceipts} /><${Key} label=${T.back} name="Esc" onPress=${back} />`;
    return html`<${Screen} title=${T.receiptTitle(open.operation.body.receipt_no)} side=${side}>
      <${Receipt} till=${till} operation=${open.operation} isVoided=${open.is_voided} isAgain /></${Screen}>`;
  }
  const side = html`<${Key} label=${T.printAgain} name="Enter" tone="main" onPress=${() => here && setOpen(here)} disabled=${!here} />
    <${Key} label=${T.void} name="Del" onPress=${cancel} disabled=${!here?.mayBeVoided} />
    <${Key} label=${isAll ? T.onlyToday : T.earlierDays} name="F6" onPress=${() => setAll(!isAll)} />
    <${receipts.length ? Key : FirstKey} label=${T.back} name="Esc" onPress=${back} />`;
  return html`<${Screen} title=${isAll ? T.allTitle : T.dayTitle} side=${side}>
    ${!receipts.length && html`<p class="empty">${T.dayEmpty}</p>`}
    ${receipts.length > 0 && html`<div class="rows"><table ref=${table}><thead><tr><th>${T.receiptNumber}</th><th>${T.when}</th><th>${T.customer}</th><th class="number">${T.total}</th><th>${T.state}</th></tr></thead>
      <tbody>${receipts.map(({ operation, is_voided }, place) => html`<tr key=${operation.op_id} class=${place === at ? "at" : ""} tabindex=${place === at ? 0 : -1}
        aria-selected=${place === at ? "true" : "false"} onClick=${() => setAt(place)}>
        <td>${operation.body.receipt_no}</td><td>${formatMoment(operation.occurred_at)}</td><td class="long">${operation.memo.customer.name}</td>
        <td class="number">${money(totalOf(operation))}</td><td>${is_voided ? html`<${Chip} tone="red">${T.voided}</${Chip}>` : html`<${Word} operation=${operation} />`}</td></tr>`)}</tbody></table></div>
      <p class="help">${T.daySum(receipts.filter((each) => !each.is_voided).map((each) => totalOf(each.operation)))}</p>`}
  </${Screen}>`;
}

export function Void({ till, go, operation }) {
  const [reason, setReason] = useState("");
  const [error, setError] = useState(null);
  const field = useFocus();
  const back = () => go("day");
  const [act, isActing] = useAct(() => {
    const said = reason.trim();
    if ([...said].length < REASON.least || [...said].length > REASON.most) return setError(T.reasonVoid);
    return kept(() => till.voidReceipt({ receipt_op_id: operation.op_id, reason: said }), setError, () => go("day"));
  });
  useKeys(isActing ? {} : { Escape: back });
  const side = html`<${Key} label=${T.void} name="Enter" tone="trouble" onPress=${act} /><${Key} label=${T.back} name="Esc" onPress=${back} disabled=${isActing} />`;
  return html`<${Screen} title=${T.voidTitle(operation.body.receipt_no)} side=${side}>
    <p class="who">${operation.memo.customer.name}<small>R$ ${money(totalOf(operation))}</small></p><p class="lead">${T.voidHelp}</p><p><strong>${T.voidMoney}</strong></p>
    <${Text} id="reason" label=${T.reason} value=${reason} onType=${setReason} onEnter=${act} refer=${field} error=${error} maxlength="500" />
  </${Screen}>`;
}

export function Pending({ till, go }) {
  const [isOnlyPending, setOnly] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const all = till.everything;
  const shown = isOnlyPending ? undelivered(all) : all;
  const isEmpty = !till.pending.count;
  const isAllThere = isEmpty && !all.some((each) => each.custody === "refused");
  const back = () => go(till.operator ? "functions" : "login");
  const send = () => !isEmpty && till.announce("hurry");
  const only = () => setOnly(!isOnlyPending);
  const file = () => all.length && exportFile(till);
  useKeys(isLeaving ? {} : { Escape: back, F2: send, F6: only, F8: file });
  if (isLeaving) return html`<${Unpair} till=${till} go=${go} onBack=${() => setLeaving(false)} />`;
  const side = html`<${FirstKey} label=${T.back} name="Esc" onPress=${back} />
    <${Key} label=${T.sendNow} name="F2" onPress=${send} disabled=${isEmpty} />
    <${Key} label=${isOnlyPending ? T.everything : T.onlyPending} name="F6" onPress=${only} />
    <${Key} label=${T.exportFile} name="F8" onPress=${file} disabled=${!all.length} />
    ${till.device && html`<${Key} label=${T.unpair} onPress=${() => setLeaving(true)} />`}`;
  return html`<${Screen} title=${T.pendingTitle} side=${side}>
    <p class="lead">${isAllThere ? T.pendingNone : T.pendingHelp}</p>
    ${shown.length > 0 && html`<div class="rows" tabindex="0" role="region" aria-label=${isOnlyPending ? T.onlyPending : T.everything}><table><thead><tr><th>${T.what}</th><th>${T.when}</th><th class="number">${T.amount}</th><th>${T.state}</th></tr></thead>
      <tbody>${shown.slice(0, MOST_SHOWN).map((operation) => html`<tr key=${operation.op_id}>
        <td>${T.kinds[operation.kind]} ${operation.body.receipt_no ?? ""}${operation.memo?.customer && html`<small class="why">${operation.memo.customer.name}</small>`}</td>
        <td>${formatMoment(operation.occurred_at)}</td>
        <td class="number">${sumOf(operation)}</td><td class="long"><${Word} operation=${operation} /></td></tr>`)}</tbody></table></div>`}
    ${shown.length > MOST_SHOWN && html`<p class="help">${T.pendingCut(MOST_SHOWN, shown.length)}</p>`}
  </${Screen}>`;
}

function sumOf({ kind, body }) {
  if (kind === "receipt") return money(amountOf(body.tenders));
  const cents = body.amount_cents ?? body.float_cents;
  return cents === undefined ? "" : money(cents);
}

/** The server's word on an operation, in plain Portuguese. */
function Word({ operation: { custody, result } }) {
  if (!custody) return html`<${Chip} tone="amber">${T.custody.none}</${Chip}>`;
  const why = result?.reason && html`<small class="why">${T.reasons[result.reason] ?? T.reasonElse}</small>`;
  if (custody === "refused") return html`<${Chip} tone="red">${T.custody.refused}</${Chip}>${why}`;
  if (!result) return html`<${Chip}>${T.custody[custody]}</${Chip}>`;
  const tone = { applied: "green", resolved: "green", review: "amber", held: "amber", quarantined: "red" }[result.state] ?? "";
  return html`<${Chip} tone=${tone}>${T.states[result.state] ?? T.custody[custody]}</${Chip}>${why}`;
}

/** Stop being this till: refused while the server lacks anything, unless a supervisor takes the file of it (and his PIN says so). */
function Unpair({ till, go, onBack }) {
  const [isReleased, setReleased] = useState(false);
  const mayLeave = isReleased || !till.pending.count;
  useKeys({ Escape: onBack });
  const leave = useOnce(async () => { await till.unpair(); go("login"); });
  const side = html`${mayLeave && html`<${FirstKey} label=${T.unpair} name="Enter" onPress=${leave} />`}<${Key} label=${T.back} name="Esc" onPress=${onBack} />`;
  const pass = () => { exportFile(till); setReleased(true); };
  return html`<${Screen} title=${T.unpair} side=${side} tone="amber">
    <p class="question" role="alert">${mayLeave ? T.unpairAsk : T.unpairRefused}</p>
    ${mayLeave && till.session && html`<p class="notice amber">${T.unpairOpen}</p>`}
    ${!mayLeave && html`<${Supervisor} till=${till} onPass=${pass} />`}
  </${Screen}>`;
}

// What was done here: the session's receipts (reprint, cancel) and every operation with the server's word on it.

import { html, useState } from "../vendor/htm-preact.js";
import { Chip, Key, money, Screen, Text, useFocus, useKeys } from "../ui.js";
import { asSent, undelivered } from "../upload.js";
import { amountOf } from "../domain/tendering.js";
import { formatMoment } from "../domain/calendar.js";
import { FirstKey } from "./login.js";
import { Receipt } from "./receipt.js";
import { Supervisor } from "./payment.js";
import { T } from "../texts.js";

const REASON = { least: 15, most: 500 };
const totalOf = (operation) => amountOf(operation.body.tenders);

export function Day({ till, go }) {
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(null);
  const receipts = [...(till.session?.receipts ?? [])].reverse();
  const here = receipts[at];
  const back = () => (open ? setOpen(null) : go("functions"));
  const cancel = () => here && !here.is_voided && go("void", { operation: here.operation });
  const print = () => window.print();
  useKeys(open ? { Escape: back, F5: print }
    : { Escape: back, ArrowDown: () => setAt(Math.min(receipts.length - 1, at + 1)), ArrowUp: () => setAt(Math.max(0, at - 1)), Enter: () => here && setOpen(here), Delete: cancel });
  const side = open
    ? html`<${FirstKey} label=${T.printAgain} name="Enter" onPress=${print} /><${Key} label=${T.back} name="Esc" onPress=${back} />`
    : html`<${Key} label=${T.printAgain} name="Enter" tone="main" onPress=${() => here && setOpen(here)} disabled=${!here} />
      <${Key} label=${T.void} name="Del" onPress=${cancel} disabled=${!here || here.is_voided} /><${Key} label=${T.back} name="Esc" onPress=${back} />`;
  if (open) return html`<${Screen} title=${open.operation.body.receipt_no} side=${side}><${Receipt} till=${till} operation=${open.operation} isVoided=${open.is_voided} /></${Screen}>`;
  return html`<${Screen} title=${T.dayTitle} side=${side}>
    ${!receipts.length && html`<p class="empty">${T.dayEmpty}</p>`}
    ${receipts.length > 0 && html`<div class="rows"><table><thead><tr><th>${T.receiptNumber}</th><th>${T.when}</th><th>${T.customer}</th><th class="number">${T.total}</th><th>${T.state}</th></tr></thead>
      <tbody>${receipts.map(({ operation, is_voided }, place) => html`<tr key=${operation.op_id} class=${place === at ? "at" : ""} onClick=${() => setAt(place)}>
        <td>${operation.body.receipt_no}</td><td>${formatMoment(operation.occurred_at)}</td><td>${operation.memo.customer.name}</td>
        <td class="number">${money(totalOf(operation))}</td><td>${is_voided ? html`<${Chip} tone="red">${T.voided}</${Chip}>` : html`<${Word} operation=${operation} />`}</td></tr>`)}</tbody></table></div>`}
  </${Screen}>`;
}

export function Void({ till, go, operation }) {
  const [reason, setReason] = useState("");
  const [error, setError] = useState(null);
  const field = useFocus();
  const back = () => go("day");
  const act = async () => {
    const said = reason.trim();
    if ([...said].length < REASON.least || [...said].length > REASON.most) return setError(T.reasonVoid);
    try {
      await till.voidReceipt({ receipt_op_id: operation.op_id, reason: said });
    } catch (problem) {
      return setError(T.failed(problem.message || problem.name));
    }
    return go("day");
  };
  useKeys({ Escape: back });
  const side = html`<${Key} label=${T.void} name="Enter" tone="trouble" onPress=${act} /><${Key} label=${T.back} name="Esc" onPress=${back} />`;
  return html`<${Screen} title=${T.voidTitle(operation.body.receipt_no)} side=${side}>
    <p class="question">${money(totalOf(operation))}</p><p class="lead">${T.voidHelp}</p>
    <${Text} id="reason" label=${T.reason} value=${reason} onType=${setReason} onEnter=${act} refer=${field} error=${error} maxlength="500" />
  </${Screen}>`;
}

export function Pending({ till, go }) {
  const [isOnlyPending, setOnly] = useState(false);
  const [asks, setAsks] = useState(null);
  const all = [...till.formerOperations, ...till.operations].reverse();
  const shown = isOnlyPending ? undelivered(all) : all;
  const isEmpty = !till.pending.count;
  const back = () => (asks ? setAsks(null) : go(till.operator ? "functions" : "login"));
  const unpair = () => setAsks(isEmpty ? "unpair" : "override");
  useKeys({ Escape: back, F5: () => till.announce("hurry"), F6: () => setOnly(!isOnlyPending), F8: () => exportFile(till) });
  const side = html`<${FirstKey} label=${T.back} name="Esc" onPress=${back} />
    <${Key} label=${T.sendNow} name="F5" onPress=${() => till.announce("hurry")} disabled=${isEmpty} />
    <${Key} label=${T.onlyPending} name="F6" onPress=${() => setOnly(!isOnlyPending)} />
    <${Key} label=${T.exportFile} name="F8" onPress=${() => exportFile(till)} disabled=${!all.length} />
    <${Key} label=${T.unpair} onPress=${unpair} />`;
  if (asks) return html`<${Unpair} till=${till} go=${go} isEmpty=${asks === "unpair"} onBack=${() => setAsks(null)} />`;
  return html`<${Screen} title=${T.pendingTitle} side=${side}>
    <p class="lead">${isEmpty ? T.pendingNone : T.pendingHelp}</p>
    ${shown.length > 0 && html`<div class="rows"><table><thead><tr><th>${T.what}</th><th>${T.when}</th><th class="number">${T.amount}</th><th>${T.state}</th></tr></thead>
      <tbody>${shown.slice(0, 500).map((operation) => html`<tr key=${operation.op_id}>
        <td>${T.kinds[operation.kind]} ${operation.body.receipt_no ?? ""}</td><td>${formatMoment(operation.occurred_at)}</td>
        <td class="number">${sumOf(operation)}</td><td><${Word} operation=${operation} /></td></tr>`)}</tbody></table></div>`}
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
  if (custody === "refused" || !result) return html`<${Chip} tone=${custody === "refused" ? "red" : ""}>${T.custody[custody]}</${Chip}>`;
  const tone = { applied: "green", resolved: "green", review: "amber", held: "amber", quarantined: "red" }[result.state] ?? "";
  return html`<${Chip} tone=${tone}>${T.states[result.state] ?? result.state}</${Chip}>${result.reason && html`<small class="why">${T.reasons[result.reason] ?? result.reason}</small>`}`;
}

function Unpair({ till, go, isEmpty, onBack }) {
  const [mayLeave, setMayLeave] = useState(isEmpty);
  useKeys({ Escape: onBack });
  const leave = async () => { await till.unpair(); go("login"); };
  const side = html`${mayLeave && html`<${FirstKey} label=${T.unpair} name="Enter" onPress=${leave} />`}<${Key} label=${T.back} name="Esc" onPress=${onBack} />`;
  const pass = () => { exportFile(till); setMayLeave(true); };
  return html`<${Screen} title=${T.unpair} side=${side} tone="amber">
    <p class="question" role="alert">${mayLeave ? T.unpairAsk : T.unpairRefused}</p>
    ${!mayLeave && html`<${Supervisor} till=${till} onPass=${pass} />`}
  </${Screen}>`;
}

/** Write the operations of each device that this till was to a file that the office can read in. */
function exportFile(till) {
  for (const device of [...till.former, till.device]) {
    const operations = [...till.formerOperations, ...till.operations].filter((each) => each.device_id === device.device_id);
    if (operations.length) download(`quita-caixa-${device.till}-${device.device_id}.json`, fileOf(device, operations));
  }
}

function fileOf({ device_id, epoch, first_seq, branch, till }, operations) {
  const first = first_seq ? { first_seq } : {};
  const exported_at = new Date().toISOString();
  return { format: "quita-till-operations", v: 1, device_id, epoch, ...first, branch, till, exported_at, operations: operations.map(asSent) };
}

function download(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

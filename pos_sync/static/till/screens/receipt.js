// The receipt as it is printed, 80 mm wide, twice: one for the customer and one for the till (G.22).

import { html } from "../vendor/htm-preact.js";
import { formatBRL } from "../domain/money.js";
import { amountOf, changeOf } from "../domain/tendering.js";
import { formatDay, formatMoment } from "../domain/calendar.js";
import { T } from "../texts.js";

const W = T.receipt;
const PIXELS_PER_MM = 96 / 25.4;
const PAPER_MM = 80;

/** Show a receipt; `isVoided` writes so across it, `isAgain` that it was printed before. */
export function Receipt({ till, operation, isVoided = false, isAgain = false }) {
  return html`<div class="receipts">${[W.customerCopy, W.tillCopy].map((copy) =>
    html`<${Copy} key=${copy} copy=${copy} till=${till} operation=${operation} isVoided=${isVoided} isAgain=${isAgain} />`)}</div>`;
}

const page = new CSSStyleSheet();

/** Print the copies that are shown, each on a piece of the roll as long as it is. */
export function printReceipts() {
  const longest = Math.max(...[...document.querySelectorAll(".receipt")].map((each) => each.scrollHeight));
  page.replaceSync(`@page { size: ${PAPER_MM}mm ${Math.ceil(longest / PIXELS_PER_MM) + 12}mm; margin: 3mm; }`);
  document.adoptedStyleSheets = [page];
  window.print();
}

function Copy({ till, operation: { body, occurred_at, memo }, isVoided, isAgain, copy }) {
  const change = changeOf(body.tenders);
  return html`<article class="receipt" aria-label="${W.title} ${body.receipt_no}, ${copy}">
    <p class="receipt-name">${till.device.branch.name}</p>
    <p class="receipt-till">${T.till(till.device.till)} · ${W.title}</p>
    <p class="receipt-number">${body.receipt_no}</p>
    ${isVoided && html`<p class="receipt-mark">${W.voided}</p>`}
    ${isAgain && html`<p class="receipt-mark">${W.again}</p>`}
    <p>${formatMoment(occurred_at)} · ${W.operator} ${till.operatorOf(body.operator)?.name ?? body.operator}</p>
    <p>${memo.customer.name}</p>
    <p>${W.document} ${memo.customer.document_masked}</p>
    <hr />
    ${body.lines.map((line) => html`<${Line} key=${line.installment_id} row=${memo.rows[line.installment_id]} line=${line} />`)}
    <hr />
    <${Row} label=${W.total} value=${amountOf(body.tenders)} tone="strong" />
    ${body.tenders.map((tender, at) => html`<${Row} key=${at} label=${means(till, tender)} value=${tender.tendered_cents ?? tender.amount_cents} />`)}
    ${change > 0 && html`<${Row} label=${W.change} value=${change} />`}
    ${body.mode === "offline" && html`<p class="receipt-mark">${W.contingency}</p>`}
    <p class="receipt-copy">${copy}</p>
  </article>`;
}

function Line({ row, line }) {
  return html`<div>
    <p>${W.installment(row.document, row.number, formatDay(row.due_date))}</p>
    <${Row} label=${W.principal} value=${line.principal_cents} />
    ${line.interest_cents > 0 && html`<${Row} label=${W.interest} value=${line.interest_cents} />`}
    ${line.fine_cents > 0 && html`<${Row} label=${W.fine} value=${line.fine_cents} />`}
    ${line.discount_cents > 0 && html`<${Row} label=${W.discount} value=${-line.discount_cents} />`}
  </div>`;
}

const Row = ({ label, value, tone = "" }) => html`<p class="receipt-row ${tone}"><span>${label}</span><span>${formatBRL(value)}</span></p>`;

function means(till, tender) {
  const name = till.methodName(tender.method);
  return tender.reference ? `${name} (${tender.reference})` : name;
}

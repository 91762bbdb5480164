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
  return html`<div class="receipts" tabindex="0" role="region" aria-label="${W.title} ${operation.body.receipt_no}">${[W.customerCopy, W.tillCopy].map((copy) =>
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
  const { branch } = till;
  const change = changeOf(body.tenders);
  return html`<article class="receipt" aria-label="${W.title} ${body.receipt_no}, ${copy}">
    <header>
      <p class="receipt-name">${branch.name}</p>
      ${branch.document && html`<p>${W.issuer} ${branch.document}</p>`}
      ${branch.city && html`<p>${branch.city}</p>`}
      <hr />
      <p>${W.title}</p>
      <p class="receipt-number">${body.receipt_no}</p>
      <p>${copy}</p>
    </header>
    ${isVoided && html`<p class="receipt-mark">${W.voided}</p>`}
    ${isAgain && html`<p class="receipt-mark">${W.again}</p>`}
    <hr />
    <p>${T.till(till.device.till)} · ${formatMoment(occurred_at)}</p>
    <p>${W.operator} ${till.operatorOf(body.operator)?.name ?? body.operator}</p>
    <hr />
    <p class="strong">${memo.customer.name}</p>
    <p>${W.document} ${memo.customer.document_masked}</p>
    <hr />
    ${body.lines.map((line) => html`<${Line} key=${line.installment_id} row=${memo.rows[line.installment_id]} line=${line} />`)}
    <hr />
    <${Row} label=${W.total} value=${amountOf(body.tenders)} tone="sum" />
    ${body.tenders.map((tender, at) => html`<${Row} key=${at} label=${means(till, tender)} value=${tender.tendered_cents ?? tender.amount_cents} />`)}
    ${change > 0 && html`<${Row} label=${W.change} value=${change} />`}
    ${body.mode === "offline" && html`<p class="receipt-mark">${W.contingency}</p>`}
  </article>`;
}

/** What an installment took, adding up; its total only where that is not the principal alone. */
function Line({ row, line: { principal_cents, interest_cents = 0, fine_cents = 0, discount_cents = 0 } }) {
  const paid = principal_cents + interest_cents + fine_cents;
  const settled = principal_cents + discount_cents;
  return html`<div class="receipt-line">
    <p class="strong">${row.document} · ${W.installment(row.number)}</p>
    <p>${W.dueDate} ${formatDay(row.due_date)}</p>
    <${Row} label=${discount_cents > 0 ? W.beforeDiscount : W.principal} value=${settled} />
    ${interest_cents > 0 && html`<${Row} label=${W.interest} value=${interest_cents} />`}
    ${fine_cents > 0 && html`<${Row} label=${W.fine} value=${fine_cents} />`}
    ${discount_cents > 0 && html`<${Row} label=${W.discount} value=${-discount_cents} />`}
    ${paid !== settled && html`<${Row} label=${W.lineTotal} value=${paid} tone="strong" />`}
  </div>`;
}

const Row = ({ label, value, tone = "" }) => html`<p class="receipt-row ${tone}"><span>${label}</span><span>${formatBRL(value)}</span></p>`;

function means(till, tender) {
  const name = till.methodName(tender.method);
  return tender.reference ? `${name} (${tender.reference})` : name;
}

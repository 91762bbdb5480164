// Recebimento (H15-H19): customer, installments with their charges, how much of it, then on to the means of payment.

import { html, useEffect, useMemo, useRef, useState } from "../vendor/htm-preact.js";
import { cents, Chip, FirstKey, Key, money, Screen, Text, useFocus, useKeys, usePlace } from "../ui.js";
import { daysBetween, formatDay } from "../domain/calendar.js";
import { allocate, discountIn, discountOf } from "../domain/allocate.js";
import { MOST_FOUND } from "../domain/search.js";
import { refit } from "../domain/tendering.js";
import { NoData, OfflineAlert, Tendered, Total } from "./home.js";
import { T } from "../texts.js";

export function Receive({ till, go, draft = {}, change, told = null }) {
  const { customer = null, ticked = [], partial_cents = null, tenders = [] } = draft;
  const rows = customer ? till.openInstallments(customer.id) : [];
  const chosen = rows.filter((row) => ticked.includes(row.id));
  // What was granted or agreed on holds as far as it still fits: what is owed may have changed meanwhile.
  const discount_cents = Math.min(draft.discount_cents ?? 0, limitOf(chosen));
  const whole = chosen.reduce((sum, row) => sum + row.due_cents, 0) - discount_cents;
  const total = partial_cents === null ? whole : Math.min(partial_cents, whole);
  const granted = discountIn(allocate(chosen, { received_cents: total, discount_cents }));
  // Asked once, on coming here: a connection lost in the middle is told by the bar and takes no focus.
  const [isAlerting, setAlerting] = useState(till.isOffline && !draft.isBegun);
  const [asks, setAsks] = useState(null);
  const [refused, setRefused] = useState(told);
  const set = (more) => { setRefused(null); change({ ...draft, ...more }); };
  const finish = () => {
    if (!chosen.length) return setRefused(T.tickOne);
    const quote = till.quote({ customer, rows: chosen, received_cents: total, discount_cents });
    if (!till.isStillDue(quote)) return setRefused(T.quoteIsOld);
    const { kept, out } = refit(tenders, total, (code) => till.givesChange(code));
    return go("payment", { draft: { ...draft, isBegun: true, tenders: kept }, quote }, out);
  };
  const ask = (what) => () => (chosen.length ? setAsks(what) : setRefused(T.tickOne));
  const search = () => go("search", { draft: { ...draft, isBegun: true } });
  const keys = asks ? {} : { Escape: () => go("home"), F4: search, F3: finish, F6: ask("partial"), F7: ask("discount") };
  useKeys(isAlerting || !till.download ? {} : keys);
  if (!till.download) return html`<${NoData} till=${till} onBack=${() => go("home")} />`;
  if (isAlerting) {
    return html`<${OfflineAlert} till=${till} onContinue=${() => setAlerting(false)} onBack=${() => go("home")} />`;
  }
  const side = html`
    <${Total} label=${T.toReceive} value=${total} tone="huge" />
    <p class="lead">${T.chosen(chosen.length)}${granted > 0 && html` · ${T.discount} ${money(granted)}`}</p>
    ${tenders.length > 0 && html`<p class="lead">${T.tendersKept}</p><${Tendered} till=${till} tenders=${tenders} />`}
    <${Key} label=${T.finish} name="F3" tone="main" onPress=${finish} disabled=${!chosen.length} />
    ${customer ? html`<${Key} label=${T.changeCustomer} name="F4" onPress=${search} />` : html`<${FirstKey} label=${T.setCustomer} name="F4" onPress=${search} />`}
    <${Key} label=${T.partial} name="F6" onPress=${keys.F6} disabled=${!chosen.length} />
    <${Key} label=${T.discount} name="F7" onPress=${keys.F7} disabled=${!chosen.length} />
    <${Key} label=${T.back} name="Esc" onPress=${() => go("home")} />`;
  return html`<${Screen} title=${T.receiveTitle} side=${side}>
    ${customer && html`<p class="who">${customer.name}<small>${customer.document_masked}</small></p>`}
    ${refused && html`<p class="error" role="alert">${refused}</p>`}
    ${draft.discount_cents > granted && html`<p class="notice amber" role="alert">${T.discountCut(draft.discount_cents, granted)}</p>`}
    ${asks === "partial" && html`<${Partial} chosen=${chosen} whole=${whole} done=${(value) => { setAsks(null); if (value !== undefined) set({ partial_cents: value }); }} />`}
    ${asks === "discount" && html`<${Discount} chosen=${chosen} done=${(value) => { setAsks(null); if (value !== undefined) set({ discount_cents: value, partial_cents: null }); }} />`}
    ${!customer && html`<p class="empty">${T.noCustomer}</p>`}
    ${customer && !rows.length && html`<p class="empty">${T.noneOpen}</p>`}
    ${rows.length > 0 && html`<${Installments} rows=${rows} ticked=${ticked} today=${till.today} isStill=${Boolean(asks)}
      tick=${(ids) => set({ ticked: ids, partial_cents: null, discount_cents: 0 })} />`}
  </${Screen}>`;
}

function Installments({ rows, ticked, tick, today, isStill }) {
  const [at, setAt] = usePlace(rows.map((row) => row.id));
  const table = useRef(null);
  useEffect(() => { if (!isStill) table.current?.querySelectorAll("tbody tr")[at]?.focus(); }, [at, rows[at].id, isStill]);
  const toggle = (id) => tick(ticked.includes(id) ? ticked.filter((each) => each !== id) : [...ticked, id]);
  const all = () => tick(ticked.length === rows.length ? [] : rows.map((row) => row.id));
  const move = (by) => setAt(Math.min(rows.length - 1, Math.max(0, at + by)));
  useKeys(isStill ? {} : { ArrowDown: () => move(1), ArrowUp: () => move(-1), " ": () => toggle(rows[at].id), "*": all });
  return html`<div class="rows"><table ref=${table} role="grid" aria-label=${T.receiveTitle} aria-multiselectable="true">
    <thead><tr><th><span class="hidden">${T.select}</span></th><th>${T.document}</th><th>${T.number}</th><th>${T.dueDate}</th><th>${T.daysLate}</th>
      <th class="number">${T.amount}</th><th class="number">${T.charges}</th><th class="number">${T.total}</th></tr></thead>
    <tbody>${rows.map((row, place) => html`<tr key=${row.id} tabindex=${place === at ? 0 : -1} aria-selected=${ticked.includes(row.id) ? "true" : "false"}
        class=${ticked.includes(row.id) ? "ticked" : ""} onClick=${() => { setAt(place); toggle(row.id); }}>
      <td class="tick" aria-hidden="true">${ticked.includes(row.id) ? "✓" : ""}</td>
      <td class="document">${row.document}</td><td>${row.number}</td><td>${formatDay(row.due_date)}</td>
      <td>${row.charges.late ? html`<${Chip} tone="red">${T.late(daysBetween(row.due_date, today))}</${Chip}>` : T.onTime}</td>
      <td class="number">${money(row.balance_cents)}</td><td class="number">${money(row.charges.total_cents)}</td>
      <td class="number"><strong>${money(row.due_cents)}</strong></td></tr>`)}</tbody>
  </table></div><p class="help">${T.tickHelp}</p>`;
}

function Partial({ chosen, whole, done }) {
  const isAllowed = chosen.every((row) => row.terms.allow_partial);
  const check = (value) => (value !== null && value > 0 && value < whole ? null : T.partialRefused);
  if (!isAllowed) return html`<${Refusal} words=${T.partialForbidden} done=${done} />`;
  return html`<${Ask} id="partial" label=${T.partial} help=${T.partialHelp} check=${check} done=${done} />`;
}

const limitOf = (chosen) => chosen.reduce((sum, row) => sum + discountOf(row), 0);

function Discount({ chosen, done }) {
  const limit = limitOf(chosen);
  const due = chosen.reduce((sum, row) => sum + row.due_cents, 0);
  const check = (value) => (value !== null && value >= 0 && value <= limit && value < due ? null : T.discountRefused(limit));
  return html`<${Ask} id="discount" label=${T.discount} help=${T.discountHelp(limit)} check=${check} done=${done} />`;
}

function Ask({ id, label, help, check, done }) {
  const [typed, setTyped] = useState("");
  const [error, setError] = useState(null);
  const field = useFocus();
  const take = () => {
    const value = cents(typed);
    const wrong = check(value);
    if (wrong) setError(wrong);
    else done(value);
  };
  useKeys({ Escape: () => done() });
  return html`<div class="ask"><${Text} id=${id} label=${label} help=${help} value=${typed} onType=${setTyped} onEnter=${take} error=${error}
    refer=${field} inputmode="decimal" /><${Key} label=${T.ok} name="Enter" tone="main" onPress=${take} /><${Key} label=${T.back} name="Esc" onPress=${() => done()} /></div>`;
}

function Refusal({ words, done }) {
  const button = useFocus();
  useKeys({ Escape: () => done() });
  return html`<div class="ask"><p class="error" role="alert">${words}</p><${Key} label=${T.ok} name="Enter" refer=${button} onPress=${() => done()} /></div>`;
}

/**
 * Definir cliente (F4, H17-H18): results while typing, arrows and Enter. A scanner types and presses Enter as well: a code chooses
 * nobody out of several.
 */
export function Search({ till, go, draft = {} }) {
  const [typed, setTyped] = useState("");
  // For what was typed the arrows were used.
  const [moved, setMoved] = useState(null);
  const [error, setError] = useState(null);
  const field = useFocus();
  const found = useMemo(() => till.find(typed), [typed, till.index]);
  const [at, setAt] = usePlace(found.map((each) => each.id), typed);
  const isChosen = found.length > 0 && (moved === typed || till.meansFirst(found, typed));
  const here = isChosen ? at : -1;
  const tells = !typed.trim() ? "" : !found.length ? T.searchNone : found.length < MOST_FOUND ? T.searchFound(found.length) : T.searchMore;
  useEffect(() => document.getElementById(`found-${here}`)?.scrollIntoView({ block: "nearest" }), [here]);
  const back = () => go("receive", { draft });
  const select = (customer) => {
    const entered = draft.tenders ?? [];
    const [tenders, out] = customer.id === draft.customer?.id ? [entered, []] : [[], entered];
    go("receive", { draft: { ...draft, customer, ticked: [], partial_cents: null, discount_cents: 0, tenders } }, out);
  };
  const enter = () => {
    if (isChosen) return select(found[at]);
    if (found.length) { setError(T.searchChoose); field.current.select(); }
  };
  const move = (by) => {
    if (!found.length) return;
    setError(null);
    setMoved(typed);
    setAt(isChosen ? Math.min(found.length - 1, Math.max(0, at + by)) : 0);
  };
  useKeys({ Escape: back, ArrowDown: () => move(1), ArrowUp: () => move(-1), F4: () => field.current.focus() });
  const side = html`<${Key} label=${T.select} name="Enter" tone="main" onPress=${enter} disabled=${!isChosen} />
    <${Key} label=${T.back} name="Esc" onPress=${back} />`;
  return html`<${Screen} title=${T.searchTitle} side=${side}>
    <${Text} id="search" label=${T.searchField} help=${T.searchHelp} value=${typed} refer=${field} onType=${(value) => { setError(null); setTyped(value); }} error=${error}
      onEnter=${enter} role="combobox" aria-expanded=${found.length > 0} aria-controls="found" aria-activedescendant=${isChosen ? `found-${at}` : null} />
    <p class=${typed.trim() && !found.length ? "notice amber" : "help"} role="status">${tells}${found.length > 0 && !isChosen && ` ${T.searchKeys}`}</p>
    <ul id="found" class="found" role="listbox" aria-label=${T.searchTitle}>${found.map((customer, place) => html`<li key=${customer.id} id="found-${place}" role="option"
      aria-selected=${place === here ? "true" : "false"} class=${place === here ? "at" : ""} onClick=${() => select(customer)}>
      <span>${customer.name}</span><small>${customer.document_masked}</small></li>`)}</ul>
  </${Screen}>`;
}

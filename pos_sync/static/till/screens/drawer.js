// The drawer: opening with a float, suprimento and sangria with a reason, closing with what was counted (blind by parameter).

import { html, useLayoutEffect, useRef, useState } from "../vendor/htm-preact.js";
import { cents, FirstKey, kept, Key, money, Screen, Text, useAct, useFocus, useKeys } from "../ui.js";
import { formatBRL } from "../domain/money.js";
import { T } from "../texts.js";

const CASH = "cash";
const SHORTEST_REASON = 3;

export function Open({ till, go }) {
  const [typed, setTyped] = useState("0,00");
  const [error, setError] = useState(null);
  const field = useFocus();
  const [act, isActing] = useAct(() => {
    const float_cents = cents(typed);
    if (float_cents === null || float_cents < 0) return setError(T.amountBad);
    return kept(() => till.openSession({ float_cents }), setError, () => go("home"));
  });
  useKeys(isActing ? {} : { Escape: () => go("home") });
  const side = html`<${Key} label=${T.openSession} name="Enter" tone="main" onPress=${act} /><${Key} label=${T.back} name="Esc" onPress=${() => go("home")} disabled=${isActing} />`;
  return html`<${Screen} title=${T.openTitle} side=${side}>
    <${Text} id="float" label=${T.float} value=${typed} onType=${setTyped} onEnter=${act} refer=${field} error=${error} inputmode="decimal" class="big" />
  </${Screen}>`;
}

export function Move({ till, go, kind }) {
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const [errors, setErrors] = useState({});
  const field = useFocus();
  const drawer = till.expected[CASH] ?? 0;
  const refuse = (id, words) => { setErrors({ [id]: words }); document.getElementById(id).focus(); };
  const [act, isActing] = useAct(() => {
    const amount_cents = cents(typed);
    if (!(amount_cents > 0)) return refuse("amount", T.amountBad);
    if (kind === "cash_out" && amount_cents > drawer) return refuse("amount", till.isBlind ? T.aboveDrawerBlind : T.aboveDrawer(drawer));
    if ([...reason.trim()].length < SHORTEST_REASON) return refuse("reason", T.reasonShort);
    const move = kind === "cash_in" ? till.cashIn : till.cashOut;
    return kept(() => move.call(till, { amount_cents, reason: reason.trim() }), (words) => refuse("reason", words), () => go("home"));
  });
  useKeys(isActing ? {} : { Escape: () => go("functions") });
  const side = html`<${Key} label=${T.confirm} name="Enter" tone="main" onPress=${act} /><${Key} label=${T.back} name="Esc" onPress=${() => go("functions")} disabled=${isActing} />`;
  return html`<${Screen} title=${T.moveTitle[kind]} side=${side}>
    <${Text} id="amount" label=${T.moveAmount} value=${typed} onType=${setTyped} refer=${field} error=${errors.amount} inputmode="decimal" class="big"
      onEnter=${() => document.getElementById("reason").focus()} />
    <${Text} id="reason" label=${T.reason} value=${reason} onType=${setReason} onEnter=${act} error=${errors.reason} maxlength="500" />
  </${Screen}>`;
}

/** Close: count first; unless the drawer is counted blind, what was expected is shown beside it. */
export function Close({ till, go }) {
  // As it is now: the session is gone the moment its closing is kept. Read anew where another window was faster.
  const read = () => ({ allExpected: till.expected, expectedSeq: till.next_seq });
  const [{ allExpected, expectedSeq }, setRead] = useState(read);
  const methods = [...new Set([CASH, ...Object.keys(allExpected)])];
  const [typed, setTyped] = useState({});
  const [errors, setErrors] = useState({});
  const [isChecking, setChecking] = useState(false);
  const field = useRef(null);
  useLayoutEffect(() => field.current?.focus(), [isChecking]);
  const { isBlind } = till;
  const counted = () => methods.map((method) => ({ method, amount_cents: cents(typed[method] ?? "") }));
  const check = () => {
    const wrong = counted().filter((each) => each.amount_cents === null || each.amount_cents < 0);
    setErrors(Object.fromEntries(wrong.map((each) => [each.method, T.amountBad])));
    if (wrong.length) document.getElementById(`counted-${wrong[0].method}`).focus();
    else setChecking(true);
  };
  const refuse = (words) => { setRead(read); setChecking(false); setErrors({ [CASH]: words }); };
  const [act, isActing] = useAct(() => kept(() => till.closeSession({ counted: counted(), expectedSeq }), refuse, () => { till.signOut(); go("login"); }));
  const next = (at) => (at + 1 < methods.length ? document.getElementById(`counted-${methods[at + 1]}`).focus() : check());
  const back = () => (isChecking ? setChecking(false) : go("functions"));
  useKeys(isActing ? {} : { Escape: back });
  const side = html`
    ${isChecking ? html`<${FirstKey} label=${T.closeDo} name="Enter" onPress=${act} /><${Key} label=${T.reviewCount} name="Esc" onPress=${back} disabled=${isActing} />`
      : html`<${Key} label=${T.confirm} name="Enter" tone="main" onPress=${check} /><${Key} label=${T.back} name="Esc" onPress=${back} />`}
    <p class="lead">${T.pendingWritten(till.pending)}</p>`;
  return html`<${Screen} title=${T.closeTitle} side=${side}>
    ${!isChecking && html`<p class="lead">${T.closeHelp}</p>
      ${methods.map((method, at) => html`<${Text} key=${method} id="counted-${method}" label=${till.methodName(method)} value=${typed[method] ?? ""} class="big"
        onType=${(value) => setTyped({ ...typed, [method]: value })} onEnter=${() => next(at)} refer=${at === 0 ? field : null} error=${errors[method]} inputmode="decimal" />`)}`}
    ${isChecking && html`<p class="lead">${T.closeCheck}</p><table class="counts"><thead><tr><th>${T.method}</th><th class="number">${T.counted}</th>${!isBlind && html`<th class="number">${T.expected}</th><th class="number">${T.difference}</th>`}</tr></thead>
      <tbody>${counted().map(({ method, amount_cents }) => { const expected = allExpected[method] ?? 0; return html`<tr key=${method}><td>${till.methodName(method)}</td><td class="number">${money(amount_cents)}</td>
        ${!isBlind && html`<td class="number">${formatBRL(expected)}</td><td class="number">${formatBRL(amount_cents - expected)}</td>`}</tr>`; })}</tbody></table>`}
  </${Screen}>`;
}

// First use and login: pairing, operator and PIN, forced synchronisation (H7-H10).

import { html, useState } from "../vendor/htm-preact.js";
import { FirstKey, Key, Screen, Text, useFocus, useKeys, useOnce } from "../ui.js";
import { Refused } from "../server.js";
import { Notices } from "./home.js";
import { T } from "../texts.js";

const FRAGMENT = /^#pair=([0-9A-Za-z-]{16,19})$/;

/** Take the pairing code of a QR out of the address, where nobody else shall find it; null where there is none. */
export function takeCode() {
  const code = FRAGMENT.exec(location.hash)?.[1] ?? null;
  if (location.hash) history.replaceState(null, "", location.pathname);
  return code;
}

/** `onBack`: where this till already is one. */
export function Pairing({ till, code: given, onBack = null, onPaired }) {
  const [code, setCode] = useState(given ?? "");
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const field = useFocus();
  const act = useOnce(async () => {
    setBusy(true);
    try {
      await till.pair(code.trim());
      onPaired();
    } catch (problem) {
      setError(wordsOf(problem));
      setBusy(false);
      field.current?.focus();
    }
  });
  useKeys(onBack ? { Escape: onBack } : {});
  const side = html`<${Key} label=${isBusy ? T.pairing : T.pairDo} name="Enter" tone="main" onPress=${act} disabled=${isBusy} />
    ${onBack && html`<${Key} label=${T.back} name="Esc" onPress=${onBack} />`}`;
  return html`<${Screen} title=${T.pairTitle} side=${side}>
    ${onBack && html`<p class="notice amber">${T.pairAgain({ till: till.device.till, branch: till.branch })}</p>`}
    <p class="lead">${T.pairHelp}</p>
    <${Text} id="code" label=${T.pairCode} value=${code} onType=${setCode} onEnter=${act} refer=${field} error=${error} class="code" placeholder="XXXX-XXXX-XXXX-XXXX" autocapitalize="characters" />
  </${Screen}>`;
}

function wordsOf(problem) {
  if (!(problem instanceof Refused)) return problem.name === "QuotaExceededError" ? T.noRoomToPair : T.pairUnreachable;
  return T.pairRefused[problem.code] ?? T.pairFailed;
}

export function Login({ till, go }) {
  const [code, setCode] = useState("");
  const [pin, setPin] = useState("");
  const [error, setError] = useState({});
  const field = useFocus();
  const next = () => document.getElementById("pin").focus();
  const enter = useOnce(async () => {
    const said = await till.signIn(code, pin);
    if (said.operator) return go("home");
    setPin("");
    const isUnknown = said.refused === "unknown";
    const words = said.refused === "locked" ? T.loginLocked(said.until) : T.loginRefused[said.refused];
    setError(isUnknown ? { operator: words } : { pin: words });
    return document.getElementById(isUnknown ? "operator" : "pin").focus();
  });
  const resync = () => go("resync");
  const pair = () => go("pair");
  const hasToPair = ["unknown_token", "device_replaced", "device_revoked"].includes(till.connection.trouble);
  useKeys(hasToPair ? { F3: resync, F2: pair } : { F3: resync });
  const hasOperators = till.reference?.operators.length > 0;
  const side = html`
    <${Key} label=${T.signIn} name="Enter" tone="main" onPress=${enter} />
    <${Key} label=${T.resync} name="F3" onPress=${resync} />
    ${hasToPair && html`<${Key} label=${T.pairTitle} name="F2" onPress=${pair} />`}`;
  return html`<${Screen} title=${T.loginTitle} side=${side}>
    <p class="lead">${till.download ? T.dataOf(till.download.as_of) : T.dataNever}</p>
    <${Notices} till=${till} />
    ${!hasOperators && html`<p class="notice amber" role="status">${till.progress ? T.resyncCount(till.progress) : T.noOperators}</p>`}
    <${Text} id="operator" label=${T.operator} value=${code} onType=${setCode} onEnter=${next} refer=${field} error=${error.operator} inputmode="numeric" />
    <${Text} id="pin" label=${T.pin} value=${pin} onType=${setPin} onEnter=${enter} type="password" inputmode="numeric" error=${error.pin} />
    <p class="lead">${till.isKept ? T.kept : html`${T.notKept} <button type="button" class="link" onClick=${() => till.askForRoom()}>${T.keepData}</button>`}</p>
  </${Screen}>`;
}

export function Resync({ till, go }) {
  const [state, setState] = useState({ step: "ask" });
  const back = () => go("login");
  const act = useOnce(async () => {
    setState({ step: "run" });
    const trouble = await till.syncNow();
    setState({ step: trouble ? "failed" : "done", trouble });
  });
  useKeys(state.step === "ask" ? { Escape: back, n: back, N: back, s: act, S: act } : state.step === "run" ? {} : { Escape: back });
  if (state.step === "ask") {
    const side = html`<${FirstKey} label=${T.yes} name="Enter" onPress=${act} /><${Key} label=${T.no} name="Esc" onPress=${back} />`;
    return html`<${Screen} title=${T.resync} side=${side}><p class="question">${T.resyncAsk}</p><p class="lead">${T.resyncAskHelp}</p></${Screen}>`;
  }
  if (state.step === "run") {
    // Of the round that is running, whichever window began it.
    const progress = till.progress ?? { done: 0, all: 0 };
    return html`<${Screen} title=${T.resync} side=${null}>
      <p class="question" role="status">${T.resyncRunning}</p>
      <progress max=${progress.all || 1} value=${progress.done} aria-label=${T.resyncRunning}></progress>
      <p class="lead">${progress.all ? T.resyncCount(progress) : T.resyncAsking}</p>
    </${Screen}>`;
  }
  const words = state.trouble ? T.resyncFailed[state.trouble] ?? T.troubles[state.trouble] ?? T.resyncFailedElse : T.resyncDone;
  return html`<${Screen} title=${T.resync} side=${html`<${FirstKey} label=${T.ok} name="Enter" onPress=${back} />`}>
    <p class="question ${state.trouble ? "" : "green"}" role="status">${words}</p>
    ${!state.trouble && html`<p class="lead">${T.resyncSum(till.byId.size, till.rows.size)}</p>`}
    ${till.download && html`<p class="lead">${T.dataOf(till.download.as_of)}</p>`}
  </${Screen}>`;
}

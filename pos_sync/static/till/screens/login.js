// First use and login: pairing, operator and PIN, forced synchronisation (H7-H10).

import { html, useRef, useState } from "../vendor/htm-preact.js";
import { Key, Screen, Text, useFocus, useKeys } from "../ui.js";
import { Refused } from "../server.js";
import { T } from "../texts.js";

const CODE = /^#?([0-9A-Za-z-]{16,19})$/;

export function Pairing({ till }) {
  const [code, setCode] = useState(CODE.exec(location.hash)?.[1] ?? "");
  const [said, setSaid] = useState({});
  const field = useFocus();
  const act = async () => {
    setSaid({ isBusy: true });
    try {
      const isKept = await till.pair(code.trim());
      history.replaceState(null, "", location.pathname);
      setSaid({ isKept, isDone: true });
    } catch (error) {
      setSaid({ error: error instanceof Refused ? error.problem.detail ?? error.problem.title ?? error.code : T.resyncFailed.unreachable });
    }
  };
  return html`<${Screen} title=${T.pairTitle} side=${html`<${Key} label=${T.pairDo} name="Enter" tone="main" onPress=${act} disabled=${said.isBusy} />`}>
    <p class="lead">${T.pairHelp}</p>
    <${Text} id="code" label=${T.pairCode} value=${code} onType=${setCode} onEnter=${act} refer=${field} error=${said.error} class="code" placeholder="XXXX-XXXX-XXXX-XXXX" autocapitalize="characters" />
    ${said.isBusy && html`<p role="status">${T.pairing}</p>`}
  </${Screen}>`;
}

export function Login({ till, go }) {
  const [code, setCode] = useState("");
  const [pin, setPin] = useState("");
  const [error, setError] = useState(null);
  const field = useFocus();
  const next = () => document.getElementById("pin").focus();
  const isTrying = useRef(false);
  const enter = async () => {
    if (isTrying.current) return undefined;
    isTrying.current = true;
    const said = await till.signIn(code, pin).finally(() => { isTrying.current = false; });
    if (said.operator) return go("home");
    setPin("");
    setError(said.refused === "locked" ? T.loginLocked(said.until) : T.loginRefused[said.refused]);
    return document.getElementById(said.refused === "unknown" ? "operator" : "pin").focus();
  };
  const resync = () => go("resync");
  useKeys({ F3: resync });
  const hasOperators = till.reference?.operators.length > 0;
  const side = html`
    <${Key} label=${T.signIn} name="Enter" tone="main" onPress=${enter} />
    <${Key} label=${T.resync} name="F3" onPress=${resync} />`;
  return html`<${Screen} title=${T.loginTitle} side=${side}>
    <p class="lead">${till.download ? T.dataOf(till.download.as_of) : T.dataNever}</p>
    ${till.connection.trouble === "unknown_token" && html`<p class="notice amber" role="alert">${T.askToPair}</p>`}
    ${!hasOperators && html`<p class="notice amber" role="status">${till.progress ? T.resyncCount(till.progress) : T.noOperators}</p>`}
    <${Text} id="operator" label=${T.operator} value=${code} onType=${setCode} onEnter=${next} refer=${field} inputmode="numeric" />
    <${Text} id="pin" label=${T.pin} value=${pin} onType=${setPin} onEnter=${enter} type="password" inputmode="numeric" error=${error} />
  </${Screen}>`;
}

export function Resync({ till, go }) {
  const [state, setState] = useState({ step: "ask" });
  const back = () => go("login");
  const act = async () => {
    setState({ step: "run", done: 0, all: 0 });
    const trouble = await till.syncNow((progress) => setState({ step: "run", ...progress }));
    setState({ step: trouble ? "failed" : "done", trouble });
  };
  useKeys(state.step === "ask" ? { Escape: back, n: back, s: act } : state.step === "run" ? {} : { Escape: back, Enter: back });
  if (state.step === "ask") {
    const side = html`<${FirstKey} label=${T.yes} name="Enter" onPress=${act} /><${Key} label=${T.no} name="Esc" onPress=${back} />`;
    return html`<${Screen} title=${T.resync} side=${side}><p class="question">${T.resyncAsk}</p></${Screen}>`;
  }
  if (state.step === "run") {
    return html`<${Screen} title=${T.resync} side=${null}>
      <p class="question" role="status">${T.resyncRunning}</p>
      <progress max=${state.all || 1} value=${state.done} aria-label=${T.resyncRunning}></progress>
      <p class="lead">${T.resyncCount(state)}</p>
    </${Screen}>`;
  }
  const words = state.trouble ? T.resyncFailed[state.trouble] ?? T.resyncFailedElse : T.resyncDone;
  return html`<${Screen} title=${T.resync} side=${html`<${FirstKey} label=${T.ok} name="Enter" onPress=${back} />`}>
    <p class="question ${state.trouble ? "" : "green"}" role="status">${words}</p>
    ${till.download && html`<p class="lead">${T.dataOf(till.download.as_of)}</p>`}
  </${Screen}>`;
}

/** The key that Enter presses. */
export function FirstKey(props) {
  const button = useFocus();
  return html`<${Key} ...${props} tone="main" refer=${button} />`;
}

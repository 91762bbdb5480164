// What stands against a receipt, asked before money is taken: a warning goes on, a ceiling wants a supervisor, the rest stops.

import { html, useState } from "../vendor/htm-preact.js";
import { FirstKey, Key, Screen, Text, useFocus, useKeys, useOnce } from "../ui.js";
import { T } from "../texts.js";

/** `onPass(supervisor)`: the supervisor who released it, undefined where none had to. */
export function Objections({ till, found, onPass, onBack }) {
  const isStop = found.some((each) => each.level === "stop");
  const needsSupervisor = !isStop && found.some((each) => each.level === "supervisor");
  const title = isStop ? T.stopTitle : needsSupervisor ? T.supervisorTitle : T.warnTitle;
  useKeys({ Escape: onBack });
  const words = found.map((each) => html`<li key=${each.code}>${T.objections[each.code](each.limit)}</li>`);
  const side = html`${!isStop && !needsSupervisor && html`<${FirstKey} label=${T.continue} name="Enter" onPress=${() => onPass()} />`}
    ${isStop ? html`<${FirstKey} label=${T.back} name="Esc" onPress=${onBack} />` : html`<${Key} label=${T.back} name="Esc" onPress=${onBack} />`}`;
  return html`<${Screen} title=${title} side=${side} tone=${isStop ? "red" : "amber"}>
    <div role="alert"><ul class="question">${words}</ul></div>
    ${needsSupervisor && html`<${Supervisor} till=${till} onPass=${onPass} />`}
  </${Screen}>`;
}

/** A supervisor's code and PIN, checked on this device. */
export function Supervisor({ till, onPass }) {
  const [code, setCode] = useState("");
  const [pin, setPin] = useState("");
  const [error, setError] = useState({});
  const field = useFocus();
  const check = useOnce(async () => {
    const operator = till.operatorOf(code.trim());
    if (!operator?.supervisor) {
      setError({ code: operator ? T.notSupervisor : T.loginRefused.unknown });
      return document.getElementById("supervisor").focus();
    }
    const said = await till.tryPin(operator, pin);
    if (said.operator) return onPass(operator);
    setPin("");
    return setError({ pin: said.refused === "locked" ? T.loginLocked(said.until) : T.loginRefused.wrong });
  });
  return html`<p class="lead">${T.supervisorHelp}</p>
    <${Text} id="supervisor" label=${T.supervisor} value=${code} onType=${setCode} refer=${field} error=${error.code} inputmode="numeric"
      onEnter=${() => document.getElementById("supervisor-pin").focus()} />
    <${Text} id="supervisor-pin" label=${T.pin} type="password" value=${pin} onType=${setPin} onEnter=${check} error=${error.pin} inputmode="numeric" />
    <div><${Key} label=${T.confirm} name="Enter" tone="main" onPress=${check} /></div>`;
}

// What all screens are made of: keys printed on buttons, fields, chips, and "this screen's keys and no others".

import { html, useLayoutEffect, useRef } from "./vendor/htm-preact.js";
import { formatBRL, InvalidAmount, parseBRL } from "./domain/money.js";

// Keys and focus are set in the same step as the screen, so that a fast cashier's next key is never lost.

/** Listen to the screen's keys: `{F3: act, Escape: act}`. A key without an act is the browser's. */
export function useKeys(keys) {
  const latest = useRef(keys);
  latest.current = keys;
  useLayoutEffect(() => {
    const press = (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      const act = latest.current[event.key];
      if (!act) return;
      event.preventDefault();
      if (!event.repeat) act(event);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

/** Focus an element when its screen appears. */
export function useFocus() {
  const ref = useRef(null);
  useLayoutEffect(() => ref.current?.focus(), []);
  return ref;
}

/** A button with its key printed on it. */
export function Key({ name, label, onPress, tone = "", disabled = false, refer = null, type = "button" }) {
  return html`<button type=${type} class="key ${tone}" disabled=${disabled} onClick=${onPress} ref=${refer}>
    <span>${label}</span>${name && html`<kbd>${name}</kbd>`}
  </button>`;
}

/** A labelled field with its error under it. */
export function Field({ label, error, id, children, help }) {
  return html`<div class="field ${error ? "wrong" : ""}">
    <label for=${id}>${label}</label>
    ${children}
    ${help && html`<p class="help" id="${id}-help">${help}</p>`}
    ${error && html`<p class="error" role="alert" id="${id}-error">${error}</p>`}
  </div>`;
}

/** A text field; Enter does what `onEnter` says. */
export function Text({ id, label, value, onType, onEnter, error, help, refer, ...rest }) {
  const press = (event) => {
    if (event.key !== "Enter" || !onEnter) return;
    event.preventDefault();
    onEnter(event);
  };
  return html`<${Field} id=${id} label=${label} error=${error} help=${help}>
    <input id=${id} value=${value} autocomplete="off" spellcheck=${false} ref=${refer} aria-invalid=${error ? "true" : "false"}
      aria-describedby=${error ? `${id}-error` : null} onInput=${(event) => onType(event.target.value)} onKeyDown=${press} ...${rest} />
  </${Field}>`;
}

/** Read an amount that was typed: its cents, or null where it is none. */
export function cents(typed) {
  try {
    return parseBRL(typed);
  } catch (error) {
    if (error instanceof InvalidAmount) return null;
    throw error;
  }
}

/** An amount as text, tabular, right-aligned by its column. */
export const money = (value) => html`<span class="money">${formatBRL(value)}</span>`;

/** A status word in its tone. */
export const Chip = ({ tone, children }) => html`<span class="chip ${tone}">${children}</span>`;

/** A screen: title, what is being done on the left, total and keys on the right. */
export function Screen({ title, side, children, tone = "" }) {
  return html`<main class="screen ${tone}">
    <section class="work"><h1>${title}</h1>${children}</section>
    <aside class="side">${side}</aside>
  </main>`;
}

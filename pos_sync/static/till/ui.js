// What all screens are made of: keys printed on buttons, fields, chips, and "this screen's keys and no others".

import { createContext, html, useContext, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import { formatBRL, InvalidAmount, parseBRL } from "./domain/money.js";
import { ChangedMeanwhile, DrawerClosed, NoRoom } from "./till.js";
import { T } from "./texts.js";

// Keys and focus are set in the same step as the screen, so that a fast cashier's next key is never lost.

const PRESSING = new Set(["Enter", " "]);
const MAY_REPEAT = /^Arrow|^Page|^Backspace$|^Delete$|^Tab$/;
const FUNCTION_KEY = /^F\d+$/;
const OF_THE_BROWSER = new Set(["F5", "F11"]);

/** Listen to the screen's keys: `{F3: act, Escape: act}`. Enter and Space stay with the button that has the focus. */
export function useKeys(keys) {
  const latest = useRef(keys);
  latest.current = keys;
  useLayoutEffect(() => {
    const press = (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      const act = latest.current[event.key];
      if (!act || (PRESSING.has(event.key) && event.target.closest("button"))) return;
      event.preventDefault();
      act(event);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

/** A key that is held down acts once, and no F-key opens something of the browser over a receipt. */
export function tameKeys() {
  document.addEventListener("keydown", (event) => {
    const isTyped = event.target.matches("input") && event.key.length === 1;
    if (event.repeat && !isTyped && !MAY_REPEAT.test(event.key)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (FUNCTION_KEY.test(event.key) && !OF_THE_BROWSER.has(event.key)) event.preventDefault();
  }, true);
}

/** Run one act at a time: a second Enter while the first is being kept does nothing. */
export function useOnce(act) {
  const isRunning = useRef(false);
  return async (...given) => {
    if (isRunning.current) return undefined;
    isRunning.current = true;
    try {
      return await act(...given);
    } finally {
      isRunning.current = false;
    }
  };
}

/** Tells the bar whether something is being kept. */
export const Acting = createContext(() => {});

/** Keep something, one act at a time. Gives the act and whether it is going on: the screen is not left meanwhile, nor by the bar. */
export function useAct(act) {
  const [isActing, setActing] = useState(false);
  const tellBar = useContext(Acting);
  const tell = (isGoingOn) => { setActing(isGoingOn); tellBar(isGoingOn); };
  const once = useOnce(async (...given) => {
    tell(true);
    try {
      return await act(...given);
    } finally {
      tell(false);
    }
  });
  return [once, isActing];
}

/** Do an act and say what it means where nothing was kept. */
export async function kept(act, refuse, done) {
  try {
    await act();
  } catch (error) {
    if (error instanceof NoRoom) return refuse(T.noRoomToAct);
    if (error instanceof DrawerClosed) return refuse(T.drawerClosed);
    return refuse(error instanceof ChangedMeanwhile ? T.actChanged : T.failed(error.message || error.name));
  }
  return done();
}

/**
 * Keep a place in a list by the id of what is there, whatever comes before it; where it goes, what took its place. Another `of`
 * begins at the top. Gives the place and how to move it.
 */
export function usePlace(ids, of = null) {
  const here = useRef({ of, at: 0 });
  const [, redraw] = useState(0);
  const last = here.current.of === of ? here.current : { at: 0 };
  const found = ids.indexOf(last.id);
  const at = found < 0 ? Math.max(0, Math.min(last.at, ids.length - 1)) : found;
  here.current = { of, at, id: ids[at] };
  const move = (place) => {
    here.current = { of, at: place, id: ids[place] };
    redraw((count) => count + 1);
  };
  return [at, move];
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

/** The key that Enter presses: its screen begins on it. */
export function FirstKey(props) {
  const button = useFocus();
  return html`<${Key} ...${props} tone="main" refer=${button} />`;
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
    <section class="work" aria-label=${title}><h1>${title}</h1>${children}</section>
    <section class="side" aria-label=${T.keys}>${side}</section>
  </main>`;
}

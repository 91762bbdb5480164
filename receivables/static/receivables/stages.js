// The steps of a dialogue, taken without leaving the page: the server says what comes next, and without this file its
// pages do. Enter moves on, Esc gives up what is open. Nothing here decides anything.
"use strict";

(() => {
  const form = document.getElementById("staged");
  if (!form) return;
  const TYPED = "input:not([type=hidden], [type=submit]), select, textarea";
  const PAUSE_MS = 250;
  let asking = null;
  let waiting = 0;
  let told = "";
  let isGoing = false; // the browser itself sends what the server refused, to show the answer

  async function ask(name, value) {
    if (asking) asking.abort();
    asking = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    body.append(name, value);
    const response = await fetch(location.href, { method: "POST", body, redirect: "manual", signal: asking.signal });
    if (!response.ok) return { response };
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return { response, next: page.getElementById("staged") };
  }

  function typed() {
    return JSON.stringify([...form.querySelectorAll(`[data-live] :is(${TYPED})`)].map((field) => field.value));
  }

  function show(next) {
    form.replaceChildren(...next.childNodes);
    if (window.DateTimeShortcuts) {
      for (const field of form.querySelectorAll(".vDateField")) window.DateTimeShortcuts.addCalendar(field);
    }
    const error = form.querySelector(".errorlist");
    const first = error && error.closest(".form-row") && error.closest(".form-row").querySelector(TYPED);
    const places = ["[autofocus]", "[name=step_up]", "[name=_confirm]"];
    focus(first || places.map((place) => form.querySelector(place)).find(Boolean));
    if (!first) (form.querySelector(".errornote") || form).scrollIntoView({ block: "nearest" });
    told = typed();
  }

  function focus(field) {
    if (!field) return;
    field.focus();
    if (field.matches("input:not([type=checkbox])")) field.select();
  }

  function sayOffline() {
    const note = document.getElementById("offline");
    note.textContent = form.dataset.offline;
    note.className = "errornote";
    note.hidden = false;
  }

  async function step(button) {
    clearTimeout(waiting);
    form.setAttribute("aria-busy", "true");
    try {
      const { response, next } = await ask(button.name, button.value);
      if (next) show(next);
      else if (response.type === "opaqueredirect") location.assign(form.querySelector(".closelink").href);
      else {
        isGoing = true;
        form.requestSubmit(button);
      }
    } catch (error) {
      if (error.name !== "AbortError") sayOffline();
    } finally {
      form.removeAttribute("aria-busy");
    }
  }

  async function look() {
    try {
      const { next } = await ask("_step", "look");
      if (!next) return;
      for (const part of form.querySelectorAll("#changes, .debit-sums")) {
        const now = next.querySelector(`#${part.id}`);
        if (now) part.replaceWith(now);
      }
    } catch (error) {
      if (error.name !== "AbortError") told = ""; // no answer: the next key asks again
    }
  }

  function follow() {
    if (typed() === told) return;
    told = typed();
    clearTimeout(waiting);
    waiting = setTimeout(look, PAUSE_MS);
  }

  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    const isBusy = form.getAttribute("aria-busy") === "true";
    if (isGoing || !button || button.name !== "_step") {
      if (isBusy && !isGoing) event.preventDefault(); // what is saved is what the step that is on its way leaves
      if (event.defaultPrevented) return;
      clearTimeout(waiting);
      if (asking) asking.abort();
      return;
    }
    event.preventDefault();
    if (!isBusy) step(button);
  });

  // The calendar sets its field without an event and then gives it the focus.
  for (const event of ["input", "change", "focusin"]) form.addEventListener(event, follow);

  function moveOn(field) {
    const panel = field.closest("[data-panel]");
    if (!panel) return;
    const fields = [...panel.querySelectorAll(TYPED)].filter((each) => !each.disabled && each.offsetParent);
    const after = fields[fields.indexOf(field) + 1];
    const button = panel.querySelector("[data-enter]");
    if (after) focus(after);
    else if (button) button.click();
    else focus(form.querySelector("[name=_confirm]"));
  }

  form.addEventListener("keydown", (event) => {
    const isPlain = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey && !event.isComposing;
    if (event.key === "Enter" && isPlain && event.target.matches(TYPED)) {
      event.preventDefault();
      moveOn(event.target);
    }
  });

  function giveUp() {
    const debit = form.querySelector("[data-escape]");
    const cancel = form.querySelector(".closelink");
    const reason = form.querySelector("textarea");
    if (debit) debit.click();
    else if (document.activeElement === cancel) cancel.click();
    else if (form.querySelector("[data-kept]") || (reason && reason.value.trim())) cancel.focus();
    else cancel.click();
  }

  document.addEventListener("keydown", (event) => {
    const isOpen =
      document.querySelector("dialog[open], details.pop[open]") !== null ||
      [...document.querySelectorAll(".calendarbox")].some((box) => box.style.display === "block");
    const isElsewhere = event.target.matches("select") || !(form.contains(event.target) || event.target === document.body);
    if (event.key === "Escape" && !event.isComposing && !isOpen && !isElsewhere) giveUp();
  });

  window.addEventListener("pageshow", (event) => {
    if (event.persisted) isGoing = false;
  });
  told = typed();
})();

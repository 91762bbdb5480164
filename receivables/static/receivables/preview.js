// What will be follows what is typed. The server computes; without this file "Calcular" does the same.
"use strict";

(() => {
  const form = document.querySelector("form[data-preview]");
  if (!form) return;
  const from = form.dataset.from.split(" ");
  const FIELD = "input:not([type=submit]), select, textarea";
  let told = "";
  let asking = null;
  const kept = new Map(); // what is proposed for the field that was emptied, until it is left

  function typed() {
    const data = new FormData(form);
    return JSON.stringify(from.map((name) => data.getAll(name)));
  }

  function fill(list, lines) {
    if (!list || !lines) return;
    list.replaceChildren(
      ...lines.flatMap(([label, value]) => {
        const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
        term.textContent = label;
        detail.textContent = value;
        return [term, detail];
      }),
    );
  }

  function items(texts) {
    return texts.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    });
  }

  // What is proposed never takes the place of what the person typed while the server was thinking. Who has emptied the
  // field that has the focus is about to write something else: it comes when the person goes on to another field.
  function propose(fields, asked) {
    const at = document.activeElement;
    for (const [name, value] of Object.entries(fields || {})) {
      const field = form.elements[name];
      if (!field || (asked.has(name) && field.value !== asked.get(name))) continue; // an <output> is not sent
      if (field.value !== "" || field.type === "hidden") field.value = value;
      else if (field === at) kept.set(field, value);
      else if (at?.matches(FIELD)) field.value = value; // at the button, or nowhere, what was emptied stays empty
    }
  }

  form.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (kept.has(target) && target.value === "" && relatedTarget?.matches(FIELD)) {
      target.value = kept.get(target);
      told = typed();
    }
    kept.delete(target);
  });

  function show(answer, asked) {
    fill(document.getElementById("what-is"), answer.is);
    fill(document.getElementById("what-will-be"), answer.will_be);
    propose({ ...answer.hidden, ...answer.fields }, asked);
    for (const [id, text] of Object.entries(answer.texts || {})) {
      const element = document.getElementById(id);
      if (element) element.textContent = text;
    }
    const tables = document.getElementById("form-tables");
    if (tables && answer.tables !== undefined) {
      tables.replaceChildren(...new DOMParser().parseFromString(answer.tables, "text/html").body.childNodes);
    }
    if (answer.confirm) form.elements._confirm.value = answer.confirm;
    document.getElementById("preview-errors").replaceChildren(...items(answer.errors));
    told = typed(); // what was proposed is no change of the person's
    form.dispatchEvent(new Event("previewed"));
  }

  async function ask() {
    const now = typed();
    if (now === told) return;
    told = now;
    if (asking) asking.abort();
    asking = new AbortController();
    try {
      const asked = new URLSearchParams(new FormData(form));
      const response = await fetch(form.dataset.preview, { method: "POST", body: asked, signal: asking.signal });
      if (response.headers.get("Content-Type") !== "application/json") {
        told = ""; // a page for a person, not an answer: what stands here is old
        return;
      }
      const answer = await response.json();
      if (typed() === now) show(answer, asked);
    } catch (error) {
      if (error.name !== "AbortError") told = ""; // no answer: "Calcular" and the next key ask again
    }
  }

  // The calendar sets its field without an event and then gives it the focus.
  for (const event of ["input", "change", "focusin"]) form.addEventListener(event, ask);
  told = typed();
})();

// What will be follows what is typed. The server computes; without this file "Calcular" does the same.
"use strict";

(() => {
  const form = document.querySelector("form[data-preview]");
  if (!form) return;
  const from = form.dataset.from.split(" ");
  let told = "";
  let asking = null;

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

  // What is proposed never takes the place of what the person typed while the server was thinking, nor comes into the
  // field that is being typed into: who has emptied it is about to write something else.
  function propose(fields, asked) {
    for (const [name, value] of Object.entries(fields || {})) {
      const field = form.elements[name];
      if (field && field !== document.activeElement && field.value === asked.get(name)) field.value = value;
    }
  }

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
      if (response.headers.get("Content-Type") !== "application/json") return;
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

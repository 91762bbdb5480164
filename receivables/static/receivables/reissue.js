// Nova Cobrança: percents are enabled while the box is ticked (S52, S54); what will be follows what is typed (S55).
// The server computes; without this file "Calcular" does the same.
"use strict";

(() => {
  const form = document.querySelector("form[data-preview]");
  if (!form) return;
  const ticked = form.elements.apply_charges;
  const percents = [form.elements.interest_percent, form.elements.fine_percent];
  let told = "";
  let asking = null;

  function enable() {
    for (const field of percents) field.disabled = !ticked.checked;
  }

  function typed() {
    const names = ["installment", "new_due_date", "interest_percent", "fine_percent"];
    return JSON.stringify([ticked.checked, ...names.map((name) => form.elements[name].value)]);
  }

  function fill(list, lines) {
    list.replaceChildren(
      ...lines.flatMap(([label, value]) => {
        const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
        term.textContent = label;
        detail.textContent = value;
        return [term, detail];
      }),
    );
  }

  function show(answer) {
    if (answer.is) fill(document.getElementById("what-is"), answer.is);
    if (answer.will_be) fill(document.getElementById("what-will-be"), answer.will_be);
    for (const [name, value] of Object.entries(answer.hidden || {})) form.elements[name].value = value;
    document.getElementById("preview-errors").replaceChildren(
      ...answer.errors.map((error) => {
        const item = document.createElement("li");
        item.textContent = error;
        return item;
      }),
    );
  }

  async function ask() {
    enable();
    if (typed() === told) return;
    told = typed();
    if (asking) asking.abort();
    asking = new AbortController();
    try {
      const body = new URLSearchParams(new FormData(form));
      const response = await fetch(form.dataset.preview, { method: "POST", body, signal: asking.signal });
      if (response.headers.get("Content-Type") === "application/json") show(await response.json());
    } catch (error) {
      if (error.name !== "AbortError") told = ""; // no answer: "Calcular" and the next key ask again
    }
  }

  // The calendar sets its field without an event and then gives it the focus.
  for (const event of ["input", "change", "focusin"]) form.addEventListener(event, ask);
  enable();
  told = typed();
})();

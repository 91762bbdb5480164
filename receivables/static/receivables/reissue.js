// Nova Cobrança: percents are enabled while the box is ticked (S52, S54). What will be is told by preview.js (S55).
"use strict";

(() => {
  const form = document.querySelector("form[data-preview]");
  if (!form) return;
  const ticked = form.elements.apply_charges;

  function enable() {
    for (const field of [form.elements.interest_percent, form.elements.fine_percent]) field.disabled = !ticked.checked;
  }

  ticked.addEventListener("change", enable);
  enable();
})();

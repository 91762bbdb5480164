// Contra Apresentação: ticked, the due date is the issue date and the days of the rule (S21, S22). The server decides.
"use strict";

(() => {
  const tick = document.querySelector("input[name=payable_on_presentation][data-days]");
  const form = tick && tick.form;
  const due = form && form.elements.due_date;
  if (!due) return;
  const DAY = /^(\d{2})\/(\d{2})\/(\d{4})$/;
  let before = due.value;
  let issued = form.elements.issued_on.value;

  function written(day) {
    const two = (number) => String(number).padStart(2, "0");
    return `${two(day.getUTCDate())}/${two(day.getUTCMonth() + 1)}/${day.getUTCFullYear()}`;
  }

  function lastDay() {
    const found = DAY.exec(form.elements.issued_on.value);
    if (!found) return "";
    return written(new Date(Date.UTC(found[3], found[2] - 1, Number(found[1]) + Number(tick.dataset.days))));
  }

  function follow(changed) {
    const parts = form.elements.parts;
    if (changed && tick.checked) before = due.value;
    if (tick.checked) due.value = lastDay() || due.value;
    else if (changed) due.value = before;
    if (parts) {
      if (tick.checked) parts.value = "1";
      parts.readOnly = tick.checked;
    }
  }

  tick.addEventListener("change", () => follow(true));
  // The calendar sets its field without an event and then gives it the focus.
  for (const event of ["input", "change", "focusin"]) {
    form.addEventListener(event, () => {
      if (form.elements.issued_on.value === issued) return;
      issued = form.elements.issued_on.value;
      if (tick.checked) follow(false);
    });
  }
  if (form.elements.parts) form.elements.parts.readOnly = tick.checked;
})();

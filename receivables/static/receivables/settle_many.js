// Liquidação múltipla: one tick for all, and shift ticks a run of titles. Sums are told by the server (preview.js).
"use strict";

(() => {
  const table = document.getElementById("titles");
  if (!table) return;
  const all = document.getElementById("tick-all");
  const boxes = [...table.querySelectorAll("input[name=title]")];
  let last = null;

  function follow() {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }

  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    follow();
  });
  table.addEventListener("click", (event) => {
    const box = boxes.indexOf(event.target);
    if (box < 0) return;
    if (event.shiftKey && last !== null) {
      for (const each of boxes.slice(Math.min(box, last), Math.max(box, last) + 1)) each.checked = event.target.checked;
    }
    last = box;
    follow();
  });
  table.addEventListener("change", follow);
  follow();
})();

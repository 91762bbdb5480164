/* The page of a pairing code: how long it lives, and a button that copies it. */
"use strict";

const life = document.getElementById("life");
const copy = document.getElementById("copy");

function tell() {
  const left = Math.ceil((Date.parse(life.dataset.until) - Date.now()) / 1000);
  if (left <= 0) {
    life.textContent = life.dataset.over;
    life.classList.add("over");
    clearInterval(ticking);
    return;
  }
  const minutes = Math.floor(left / 60);
  life.textContent = life.dataset.left.replace("%s", `${minutes}:${String(left % 60).padStart(2, "0")}`);
}

const ticking = setInterval(tell, 1000);
tell();

if (navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById("code").textContent);
    copy.textContent = copy.dataset.done;
  });
}

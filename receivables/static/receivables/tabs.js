// Parts of a page as tabs: arrows, Home and End move, the address keeps the place. Without this file they are anchors.
"use strict";

(() => {
  const list = document.querySelector("nav.tabs");
  if (!list) return;
  const tabs = [...list.querySelectorAll("a")];
  const panelOf = (tab) => document.getElementById(tab.hash.slice(1));

  function select(tab, { focus = false } = {}) {
    for (const each of tabs) {
      const chosen = each === tab;
      each.setAttribute("aria-selected", String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      panelOf(each).hidden = !chosen;
    }
    if (focus) tab.focus();
  }

  function open(tab, options) {
    select(tab, options);
    history.replaceState(history.state, "", tab.hash);
  }

  function tabAt(hash) {
    const target = hash && document.getElementById(hash.slice(1));
    const panel = target && target.closest(".tab-panel");
    return tabs.find((tab) => panel && panelOf(tab) === panel);
  }

  list.setAttribute("role", "tablist");
  for (const tab of tabs) {
    const panel = panelOf(tab);
    tab.setAttribute("role", "tab");
    tab.id = `for-${panel.id}`;
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", (event) => {
      event.preventDefault();
      open(tab);
    });
  }
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    open(tabs[(to + tabs.length) % tabs.length], { focus: true });
  });
  window.addEventListener("hashchange", () => {
    const tab = tabAt(location.hash);
    if (tab) select(tab);
  });
  // What was refused is among the data, wherever the person was.
  const refused = document.querySelector(".tab-panel .errorlist li");
  select((!refused && tabAt(location.hash)) || tabs[0]);
  // A part that the address names is shown, not scrolled to.
  window.addEventListener("load", () => setTimeout(() => document.querySelector("main").scrollTo(0, 0)));
})();

/* The keyboard, beside what is typed: "?" tells the shortcuts, "g" and a letter goes to a section of the menu, arrows walk
   lists and menu, "n" begins a new row, F-keys press the buttons on which they are printed. `filling.js` is for forms. */
'use strict';

{
    const WAIT_MS = 1500;
    const ACTION_KEYS = ['F4', 'F8', 'F9', 'F10'];
    const TYPING = 'input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select,'
        + ' [contenteditable], .select2-container';
    const shortcuts = document.getElementById('shortcuts-link');
    let goingUntil = 0;

    function isPlain(event) {
        return !event.ctrlKey && !event.altKey && !event.metaKey;
    }

    // "?": the page of the shortcuts, shown over this one so that nothing typed is lost.
    async function showShortcuts() {
        const known = document.getElementById('shortcuts-dialog');
        if (known) {
            known.showModal();
            return;
        }
        const answer = await fetch(shortcuts.href, { credentials: 'same-origin' });
        const list = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('shortcuts-list');
        if (!list) {
            return;
        }
        const dialog = document.createElement('dialog');
        const close = document.createElement('button');
        dialog.id = 'shortcuts-dialog';
        dialog.setAttribute('aria-label', shortcuts.textContent.trim());
        close.type = 'button';
        close.className = 'button';
        close.textContent = shortcuts.dataset.close;
        close.addEventListener('click', () => dialog.close());
        dialog.append(document.adoptNode(list), close);
        document.body.append(dialog);
        dialog.showModal();
    }

    // "g" and a letter: the section of the menu that has it; "g" twice: into the menu.
    function goTo(letter) {
        const menu = document.getElementById('menu');
        const place = menu && [...menu.querySelectorAll('[data-key]')].find((each) => each.dataset.key === letter);
        if (letter === 'g') {
            (menu.querySelector('[aria-current]') || menu.querySelector('a')).focus();
        } else if (place) {
            (place.matches('a') ? place : place.parentElement.querySelector('a')).click();
        }
        return letter === 'g' || Boolean(place);
    }

    function links(selector) {
        return [...document.querySelectorAll(selector)].filter((link) => link.offsetParent !== null);
    }

    function step(all, event) {
        const at = all.indexOf(document.activeElement.closest('tr')
            ? document.activeElement.closest('tr').querySelector('th a, td a') : document.activeElement);
        const next = all[event.key === 'ArrowDown' ? at + 1 : Math.max(at - 1, 0)];
        if (next) {
            event.preventDefault();
            next.focus();
        }
    }

    // Arrows walk the rows of a list, Enter opens the one that has the focus, Space ticks it.
    function walk(event) {
        const focused = document.activeElement;
        if (focused.closest('#menu')) {
            step(links('#menu a, #menu summary'), event);
        } else if (focused === document.body || focused.closest('main') === focused || focused.closest('.results, #searchbar')) {
            step(links('#result_list tbody tr th a, #result_list tbody tr:not(:has(th a)) td:has(a):first-of-type a'), event);
        }
    }

    function turn(event) {
        const here = document.querySelector('.paginator .this-page');
        const there = here && (event.key === 'ArrowRight' ? here.nextElementSibling : here.previousElementSibling);
        if (there && there.matches('a')) {
            there.click();
        }
    }

    function tick(event) {
        const row = document.activeElement.closest('#result_list tbody tr');
        const box = row && !document.activeElement.matches('input') && row.querySelector('.action-select');
        if (box) {
            event.preventDefault();
            box.click();
        }
    }

    // What scrolls sideways on this screen is reached with Tab and scrolled with the arrows; what does not is passed over.
    const scrolled = new ResizeObserver((entries) => {
        for (const { target } of entries) {
            if (target.scrollWidth > target.clientWidth) {
                target.tabIndex = 0;
            } else {
                target.removeAttribute('tabindex');
            }
        }
    });
    document.querySelectorAll('.scroll, #changelist-form .results').forEach((part) => scrolled.observe(part));

    const actions = [...document.querySelectorAll('.object-tools a.act')].slice(0, ACTION_KEYS.length);
    actions.forEach((button, number) => {
        const key = document.createElement('kbd');
        key.textContent = ACTION_KEYS[number];
        key.setAttribute('aria-hidden', 'true');
        button.setAttribute('aria-keyshortcuts', ACTION_KEYS[number]);
        button.append(key);
    });

    function anywhere(event) {
        const number = ACTION_KEYS.indexOf(event.key);
        if (number >= 0 && actions[number]) {
            event.preventDefault();
            actions[number].click();
        }
        return number >= 0;
    }

    function outsideFields(event) {
        const add = document.querySelector('.object-tools a.addlink');
        if (event.key === '?' && shortcuts) {
            event.preventDefault();
            showShortcuts();
        } else if (Date.now() < goingUntil) {
            goingUntil = 0;
            if (goTo(event.key.toLowerCase())) {
                event.preventDefault();
            }
        } else if (event.key === 'g') {
            goingUntil = Date.now() + WAIT_MS;
        } else if (event.key === 'n' && add) {
            add.click();
        } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            walk(event);
        } else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
            turn(event);
        } else if (event.key === ' ') {
            tick(event);
        }
    }

    document.addEventListener('keydown', (event) => {
        if (event.defaultPrevented || event.isComposing || !isPlain(event) || document.querySelector('dialog[open]')) {
            return;
        }
        const isTyping = event.target.closest(TYPING) !== null;
        if (event.target.matches('#searchbar') && event.key === 'ArrowDown') {
            walk(event);
        } else if (!anywhere(event) && !isTyping && !event.target.closest('[role=tablist], details.pop[open]')) {
            outsideFields(event);
        }
    });
}

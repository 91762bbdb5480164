/* Filling in a form without the mouse: Enter moves to the next field and after the last one to the button, F2 or Ctrl+Enter
   presses the button, Esc goes back; where something was typed, the second Esc does. Without this file a browser's own keys
   do. Pages that lead through steps (`stages.js`) have keys of their own for Enter and Esc; the page of entering has none. */
'use strict';

{
    const FIELDS = 'input:not([type=hidden], [type=submit], [type=button], [type=image], :disabled),'
        + ' select:not(.select2-hidden-accessible, :disabled), textarea:not(:disabled), .select2-selection';
    const OPEN = 'dialog[open], .select2-container--open, details.pop[open], details.pick[open], :popover-open';
    const LEAVE_MS = 4000;
    const words = document.getElementById('shortcuts-link');
    // Who comes in presses Enter after the password, as everywhere: the page of entering keeps the browser's own keys.
    const form = [...document.querySelectorAll('main form[method=post]:not(#login-form)')].find((each) => buttonOf(each));
    const isLed = form && form.id === 'staged';
    let leavingUntil = 0;

    function buttonOf(each) {
        return each.querySelector('[type=submit].default, [name=_confirm][type=submit], .submit-row [type=submit]');
    }

    function content() {
        return new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === 'string')).toString();
    }

    function isShown(field) {
        return field.offsetParent !== null && field.tabIndex >= 0;
    }

    // A group of radio buttons, and of boxes of the same name, is one field.
    function stops() {
        const seen = new Set();
        return [...form.querySelectorAll(FIELDS)].filter(isShown).filter((field) => {
            const isGroup = field.matches('[type=radio], [type=checkbox]') && field.name;
            const isNew = !isGroup || !seen.has(field.name) || field.checked;
            seen.add(field.name);
            return isNew && (field.type !== 'radio' || field.checked || !radioOf(field.name));
        });
    }

    function radioOf(name) {
        return form.querySelector(`[type=radio][name="${CSS.escape(name)}"]:checked`);
    }

    function enter(field) {
        field.focus();
        if (field.matches('input:not([type=checkbox], [type=radio])')) {
            field.select();
        }
    }

    function moveOn(field) {
        const after = stops().find((each) => each.compareDocumentPosition(field) & Node.DOCUMENT_POSITION_PRECEDING
            && !(field.type === 'radio' && each.name === field.name) && !field.contains(each));
        if (after) {
            enter(after);
        } else {
            buttonOf(form).focus();
        }
    }

    function isSearching(field) {
        return field.matches('.select2-search__field') || field.closest('.select2-container--open') !== null;
    }

    // A choice by typing opens with the first letter, or with the arrow; Enter moves on, as from every field.
    function openChoice(event) {
        const box = event.target.closest('.select2-selection');
        const select = box && box.closest('.select2-container').previousElementSibling;
        if (!select || isSearching(box) || (event.key.length !== 1 && event.key !== 'ArrowDown') || event.key === ' ') {
            return;
        }
        window.django.jQuery(select).select2('open'); // its search has the focus now, and takes the letter
        if (event.key === 'ArrowDown') {
            event.preventDefault();
            event.stopPropagation();
        }
    }

    function onEnter(event) {
        const field = event.target.closest('.select2-selection') || event.target;
        if (isLed || !form.contains(field) || !field.matches(FIELDS) || field.matches('textarea') || isSearching(field)) {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
        moveOn(field);
    }

    function hint() {
        return form && form.querySelector('.keys-hint');
    }

    function leave() {
        const back = document.querySelector('.submit-row .closelink, main .closelink')
            || [...document.querySelectorAll('.trail a[href]')].pop();
        if (!back) {
            return;
        }
        if (form && content() !== untouched && Date.now() > leavingUntil) {
            leavingUntil = Date.now() + LEAVE_MS;
            const told = hint();
            if (told) {
                told.textContent = words.dataset.leave;
                setTimeout(() => { told.textContent = words.dataset.hint; }, LEAVE_MS);
            }
            return;
        }
        back.click();
    }

    function isOpen() {
        return [...document.querySelectorAll('.calendarbox, .clockbox')].some((box) => box.offsetParent !== null)
            || document.querySelector(OPEN) !== null;
    }

    // First, in the capturing phase: what is open closes by itself, and its key means nothing else.
    document.addEventListener('keydown', (event) => {
        const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey;
        if (event.isComposing || event.defaultPrevented) {
            return;
        }
        if (event.key === 'Escape' && isPlain && !isLed && !isOpen() && !event.target.closest('[type=search]')) {
            leave();
        } else if (form && event.key === 'Enter' && isPlain) {
            onEnter(event);
        } else if (form && ((event.key === 'F2' && isPlain) || (event.key === 'Enter' && event.ctrlKey))) {
            event.preventDefault();
            // A key that is held down presses nothing on the page that comes next, nor one in a filter what is below.
            if (!event.repeat && (event.target.closest('form') || form) === form) {
                buttonOf(form).click();
            }
        } else if (isPlain || event.shiftKey) {
            openChoice(event);
        }
    }, true);

    const untouched = form ? content() : '';
    if (form && words) {
        buttonOf(form).setAttribute('aria-keyshortcuts', 'F2 Control+Enter');
        const row = form.querySelector('.submit-row');
        if (row && !isLed) {
            const told = document.createElement('span');
            told.className = 'keys-hint';
            told.setAttribute('role', 'status');
            told.textContent = words.dataset.hint;
            row.append(told);
        }
    }

    // The first wrong field, else the first one of a page that only asks, has the focus; a telephone's keyboard stays down.
    window.addEventListener('load', () => {
        const asks = document.body.matches('.transition, .add-form') && matchMedia('(hover: hover)').matches;
        const wrong = form && form.querySelector('.errors :is(input:not([type=hidden]), select, textarea)');
        const first = wrong || (asks && form && stops()[0]);
        if (first && document.activeElement === document.body && !document.getElementById('staged')) {
            first.focus({ preventScroll: !wrong });
        }
    });
}

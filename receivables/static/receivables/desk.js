/* Small comforts: "/" goes to the search, a click on a row opens it, what is chosen is added up, widgets are named,
   a form is sent once. */
'use strict';

const NUMBER = /^-?[\d.]+,\d{2}$/;

function cents(text) {
    return NUMBER.test(text) ? BigInt(text.replace(/[.,]/g, '')) : 0n;
}

function reais(value) {
    const [sign, digits] = value < 0n ? ['-', String(-value)] : ['', String(value)];
    const whole = digits.padStart(3, '0');
    return `${sign}R$ ${whole.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, '.')},${whole.slice(-2)}`;
}

function isTyping(element) {
    return element.closest('input, textarea, select, [contenteditable]') !== null;
}

document.addEventListener('keydown', (event) => {
    const search = document.querySelector('#search-all input');
    if (event.key === '/' && search && !event.ctrlKey && !event.altKey && !event.metaKey && !isTyping(event.target)) {
        event.preventDefault();
        search.focus();
        search.select();
    }
});

function addUp(list, sum) {
    const rows = [...list.querySelectorAll('tbody tr')].filter((row) => row.querySelector('.action-select:checked'));
    const amounts = rows.map((row) => row.querySelector('.field-open_balance, .field-balance, .field-amount'));
    const total = amounts.reduce((before, cell) => before + cents(cell ? cell.textContent.trim() : ''), 0n);
    sum.textContent = rows.length ? `${sum.dataset.label} ${rows.length} · ${reais(total)}` : '';
}

const list = document.getElementById('result_list');
if (list) {
    list.querySelector('tbody').addEventListener('click', (event) => {
        const row = event.target.closest('tr');
        const link = row && row.querySelector('th a, td a');
        const ownPurpose = event.target.closest('a, input, label, button, td.action-checkbox');
        if (link && !ownPurpose && !String(window.getSelection())) {
            link.click();
        }
    });
    const sum = document.querySelector('.chosen-sum');
    document.addEventListener('change', (event) => {
        if (sum && event.target.matches('.action-select, #action-toggle')) {
            addUp(list, sum);
        }
    });
    document.addEventListener('click', (event) => {
        for (const open of document.querySelectorAll('.pick[open]')) {
            if (!open.contains(event.target)) {
                open.open = false;
            }
        }
    });
}

// What takes a moment comes in a second request, into the element of the same name: `data-fills` on a link, at a click
// or, with `data-now`, as soon as the page stands. Without scripts the link gives the page with it.
async function fill(link) {
    const place = document.getElementById(link.dataset.fills);
    link.textContent = link.dataset.wait;
    link.setAttribute('aria-busy', 'true');
    try {
        const answer = await fetch(link.href, { credentials: 'same-origin' });
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        const filled = page.getElementById(link.dataset.fills);
        if (answer.ok && !answer.redirected && filled) {
            place.replaceWith(document.adoptNode(filled));
            return;
        }
    } catch {
        // The network failed: the page itself says what happened.
    }
    window.location.assign(link.href);
}

document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-fills]');
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
        event.preventDefault();
        if (!link.hasAttribute('aria-busy')) {
            fill(link);
        }
    }
});
window.addEventListener('load', () => document.querySelectorAll('a[data-fills][data-now]').forEach(fill));

// What pops up closes with Escape, and by a click elsewhere.
for (const type of ['click', 'keydown']) {
    document.addEventListener(type, (event) => {
        for (const open of document.querySelectorAll('details.pop[open]')) {
            if (type === 'keydown' ? event.key === 'Escape' : !open.contains(event.target)) {
                open.open = false;
                if (type === 'keydown' && open.contains(document.activeElement)) {
                    open.querySelector('summary').focus();
                }
            }
        }
    });
}

// Django's widgets are made by scripts that leave out their names: the field's own label is theirs.
function nameWidgets() {
    for (const select of document.querySelectorAll('select.admin-autocomplete')) {
        const label = select.labels[0];
        const widget = select.parentElement.querySelector('.select2-selection');
        if (label && widget) {
            for (const part of [widget, widget.querySelector('[role="textbox"]')].filter(Boolean)) {
                part.removeAttribute('aria-labelledby');
                part.setAttribute('aria-label', label.textContent.trim());
            }
        }
    }
}

if (window.django && window.django.jQuery) {
    window.django.jQuery(nameWidgets); // after the widgets, which are made by then
}
window.addEventListener('load', () => {
    for (const icon of document.querySelectorAll('span.help-tooltip[aria-label]')) {
        icon.setAttribute('role', 'img');
    }
});

// What is wider than the window is reached and scrolled by keys as well, where no link in it can be.
const wide = new ResizeObserver((boxes) => {
    for (const { target } of boxes) {
        if (target.scrollWidth > target.clientWidth && !target.querySelector('a[href], button, input, select')) {
            target.tabIndex = 0;
        } else {
            target.removeAttribute('tabindex');
        }
    }
});
document.querySelectorAll('.scroll').forEach((box) => wide.observe(box));

// A form is sent once: the second click of a double click is nobody's wish. It is free again when the person comes
// back to the page, and after a while without a new page (a download, a stopped loading).
const HELD_MS = 10000;

function free(form) {
    delete form.dataset.sent;
    for (const button of [...form.elements].filter((each) => 'held' in each.dataset)) {
        button.disabled = false;
        delete button.dataset.held;
    }
}

function hold(form) {
    for (const button of [...form.elements].filter((each) => each.type === 'submit' && !each.disabled)) {
        button.disabled = true;
        button.dataset.held = '';
    }
    setTimeout(free, HELD_MS, form);
}

document.addEventListener('submit', (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== 'post' || form.target) {
        return;
    }
    if ('sent' in form.dataset) {
        event.preventDefault();
        return;
    }
    form.dataset.sent = '';
    setTimeout(hold, 0, form); // the button that was pressed travels with the form
});
// Only a page that is shown again: a new one may be clicked before it is told that it is shown.
window.addEventListener('pageshow', (event) => event.persisted && [...document.forms].forEach(free));

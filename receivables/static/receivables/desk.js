/* Small comforts: "/" goes to the search, a click on a row opens it, what is chosen is added up, widgets are named. */
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
    sum.textContent = rows.length ? `${sum.dataset.label} ${reais(total)}` : '';
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

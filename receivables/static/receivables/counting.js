/* Beside what is typed of each means of payment, how it differs from what the books expect. */
'use strict';

const AMOUNT = /^-?(\d{1,3}(\.\d{3})+|\d+)(,\d{1,2})?$/;

function centsOf(text) {
    const typed = text.trim().replace(/^R\$\s*/, '');
    if (!AMOUNT.test(typed)) {
        return null;
    }
    const [whole, part = ''] = typed.replace(/\./g, '').split(',');
    const size = BigInt(whole.replace('-', '')) * 100n + BigInt(part.padEnd(2, '0'));
    return whole.startsWith('-') ? -size : size;
}

function written(cents) {
    const digits = String(cents < 0n ? -cents : cents).padStart(3, '0');
    const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, '.');
    return `${cents < 0n ? '-' : ''}R$ ${whole},${digits.slice(-2)}`;
}

function tell(field, told) {
    const counted = centsOf(field.value);
    const difference = counted === null ? 0n : counted - centsOf(field.dataset.expected);
    told.textContent = difference ? `≠ ${written(difference)}` : '';
}

window.addEventListener('load', () => {
    for (const field of document.querySelectorAll('input[data-expected]')) {
        const told = document.createElement('output');
        told.className = 'differs';
        field.closest('.form-row').append(told);
        field.addEventListener('input', () => tell(field, told));
        tell(field, told);
    }
});

"""How dates are shown: Django's Brazilian formats write the month out, a ledger writes 21/11/2026."""

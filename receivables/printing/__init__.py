"""Papers as PDF: the A4 page, reports on it, and the receipt on A4 and on an 80 mm roll.

Everything drawn comes from `figures`. These modules import reportlab, which is slow the first time: import them late.
"""

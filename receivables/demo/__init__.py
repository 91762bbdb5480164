"""The demonstration: a freight company with three branches, its customers, titles, receipts and cash days.

Everything is written through the services. What belongs to tills is in `pos_sync.demo`.
"""

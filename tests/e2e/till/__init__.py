"""The till as a cashier sees it: Chromium with a database of its own, against the real server."""

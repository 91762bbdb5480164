"""The back office as people see it: Chromium against the real server, with the real clock."""

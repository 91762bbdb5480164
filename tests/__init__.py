"""The project's tests; each folder mirrors an app."""

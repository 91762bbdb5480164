"""The back office as a person meets it: pages, buttons, forms and what they refuse."""

"""Brazilian formats."""

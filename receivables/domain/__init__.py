"""Pure rules of receivables: arithmetic, calendars and decisions. No Django, no clock, no database."""

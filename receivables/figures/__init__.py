"""What the printed documents and the report pages tell: read-only rows and their sums, without a place on any paper.

A report is a `Sheet`, drawn alike on screen (`admin`), on paper (`printing`) and in spreadsheets.
"""

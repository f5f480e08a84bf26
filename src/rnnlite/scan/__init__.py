"""Recurrences as Scans: known cells and their products, their NumPy oracle."""

"""Recurrences as Scans: cells, their NumPy oracle, the schedule and the lowering to TF ops."""

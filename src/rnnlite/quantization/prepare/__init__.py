"""Rewrite ops and constants that integers hold badly, while all is still float."""

"""Passes over a model: each edits it in one way."""

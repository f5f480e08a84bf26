"""Rewrite a float model to integers, or compress its weights, and check the result."""

"""Measure a quantized model against its source, and refuse what is too far from it."""

"""Measure a quantized model against its source, and find where its error enters."""

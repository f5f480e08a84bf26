"""Measure a quantized model against its source, and find where its error enters.

What enters: a quantized file, the source's own computation, samples. What leaves: relative RMS
errors by output, by length and by op.
"""

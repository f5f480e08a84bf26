"""Quantization of LiteRT models with loops: calibrate, plan the parameters, rewrite, measure.

What enters: a float `Model`, a `QuantizationConfig`, samples. What leaves: `Candidate`s: quantized
models, each with what the report says of it.

The order of work: `select` goes through the `recipes` of the mode. For each, `preparing` copies the
model, prepares it (`prepare/`), calibrates it (`calibration`; streams by `stream_calibration`) and
plans it (`plan/`); `rewrite/` makes integers of it. `pipeline.quantization` finalizes and measures
the result (`measure/`); `choice` says when it is good enough, `describing` what is reported.
"""

"""Quantization of LiteRT models with loops: calibrate, plan the parameters, rewrite, measure.

What enters: a float `Model`, a `QuantizationConfig`, samples. What leaves: `Candidate`s: quantized
models, each with what is to be said of it.

The order of work: `select` goes through the `recipes` of the mode; for each, `preparing` has a copy
of the model prepared (`prepare/`), calibrated (`calibration`, of streams `stream_calibration`) and
planned (`plan/`); `rewrite/` makes it integers. `pipeline.quantization` finishes and measures it
(`measure/`); `choice` says when it is good enough, `describing` what is reported.
"""

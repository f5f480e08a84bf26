"""Quantization of LiteRT models with loops: calibrate, plan the parameters, rewrite, measure."""

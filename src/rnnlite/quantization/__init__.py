"""Quantization of LiteRT models with loops: calibrate, plan the integer grids, rewrite, measure."""

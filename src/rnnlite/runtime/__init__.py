"""Run LiteRT models with NumPy and ai-edge-litert alone: load, predict.

`model` has `load` and `Model`. Samples are checked (`samples`), held in `windows`, grouped
(`batches`), made arrays (`predicting`, `quantized`), and run by `engines`, each with an interpreter
(`engine`). `stream` feeds chunks, `early` runs exits; `bench`, `bench_stream` and `memory` measure.
"""

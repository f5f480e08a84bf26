"""Run LiteRT models with NumPy and ai-edge-litert alone: load, predict.

What enters: a file, and samples of any lengths. What leaves: a result for each sample.

`model` has `load` and `Model`. Samples are checked (`samples`), held in `windows`, grouped
(`batches`), made arrays (`predicting`, `quantized`), and run by `engines`, each with an interpreter
(`engine`). `stream` feeds chunks (`kept`), `early` runs exits; `bench`, `bench_stream` and `memory`
measure.
"""

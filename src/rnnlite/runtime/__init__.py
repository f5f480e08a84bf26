"""Run LiteRT models with NumPy and ai-edge-litert alone: load, predict.

What enters: a file, and samples of any lengths. What leaves: a result for each sample.

`model` has `load` and `Model`. `samples` checks samples, `windows` bounds how many are held at a
time, `batches` groups those of equal shapes. `predicting` and `quantized` make arrays of a batch,
and results of its rows. `engines` runs the arrays, in the interpreters of `engine`. `calls` and
`signatures` say how a signature is called. `stream` feeds chunks (its states: `stream_state`),
`early` runs exits. `bench`, `bench_stream`, `memory` and `measuring` measure.
"""

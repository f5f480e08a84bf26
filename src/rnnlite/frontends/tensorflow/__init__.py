"""TensorFlow graphs without their Python: frozen graphs, SavedModels, checkpoints, live functions.

What enters: a path, or a live function or module. What leaves: a `Program`.

The order of work: `files` or `live` gives a `Frozen` graph; `constants` has `outputs` find the
outputs, fixes inputs, and has `decide` take out what they switch off; `entry` makes the Entry:
`signatures` finds the inputs, `tracing` traces the graph at the sizes asked for, `batch_axes` looks
at the outputs. `emit` goes from the outputs back. Ops in another form have rules (`rules`,
`array_ops`, `conditions`, `kernels`); `loops` hands loops to `rnnlite.loops`, and lowers what comes
back.
"""

"""TensorFlow graphs without their Python: frozen graphs, SavedModels, checkpoints, live functions.

What enters: a path, or a live function or module. What leaves: a `Program`.

The order of work:

1. `files` or `live` gives a `Frozen` graph.
2. `constants` has `outputs` find the outputs, and makes constants of inputs that have a value.
   `decide` removes the branches that these constants switch off.
3. `entry` makes the Entry: `signatures` finds the inputs, `tracing` traces the graph at the sizes
   asked for, `batch_axes` finds the batch axes of the outputs.
4. While the graph is traced, `emit` writes it anew, from the outputs back. Ops that need another
   form have rules (`rules`, `array_ops`, `conditions`, `kernels`). `loops` gives each loop to
   `rnnlite.loops`, and lowers the Scan that comes back.
"""

"""From a Scan to TensorFlow ops: schedule, cost model, step, inputs, buffers, loops.

What enters: a `Scan`, symbolic tensors of the current graph in it. What leaves: a `ScanResult`:
output sequences (T, B, ...) and final states (B, ...).

`lower` has the call: `step` makes a step, `cost_model` chooses the `schedule`, `loops` emits the
loops over steps (`inputs` are read, `buffers` written), `without_loop` a single step. `marks`
tells later passes what a loop is. `survey` and `size_model` tell how large files get, before all
that.
"""

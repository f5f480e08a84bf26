"""From a Scan to TensorFlow ops: schedule, cost model, step, inputs, buffers, loops.

What enters: a `Scan` of symbolic tensors of the current graph. What leaves: a `ScanResult`: output
sequences (T, B, ...) and final states (B, ...).

`lower` has the function to call. `step` makes one time step, `cost_model` chooses the `schedule`,
`loops` emits the loops over steps, which read `inputs` and write `buffers`. `without_loop` emits a
single step. `marks` tells later passes what a loop is. Before all that, `survey` and `size_model`
find schedules that keep a file small enough.
"""

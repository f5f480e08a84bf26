"""Keras 3 and Keras 2 (tf_keras) models, live or from a file.

What enters: a live model, or a file of one. What leaves: a `Program`.

The order of work: `frontend` recognises a source (`detection`) and loads it (`files`). `program`
makes the Program: `interface` finds inputs and outputs, `axes` decides which axes are free (`blame`
names the layer that pins one). `tracing` traces the model without side effects (`neutral`);
meanwhile `capture` turns each recurrence into a Scan, and `cells` recognises its cell. `reference`
runs the unchanged model.
"""

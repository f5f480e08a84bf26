"""Keras 3 and Keras 2 (tf_keras) models, live or from a file.

What enters: a live model, or a file of one. What leaves: a `Program`.

The order of work: `frontend` recognises (`detection`) and loads (`files`); `program` makes the
Program: `interface` tells inputs and outputs, `axes` which axes are free (`blame` names the layer
that pins one). `tracing` traces the model (`neutral`): `capture` turns each recurrence into a Scan,
`cells` recognises its cell. `reference` runs the model as it stands.
"""

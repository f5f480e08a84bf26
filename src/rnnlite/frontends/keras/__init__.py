"""Keras 3 and Keras 2 (tf_keras) models, live or from a file.

What enters: a live model, or a file of one. What leaves: a `Program`.

The order of work: `frontend` recognises (`detection`) and loads (`files`); `model` makes the
Program: `interface` tells inputs and outputs, `lengths` which axes are free, `capture` turns each
recurrence into a Scan while the model is traced (`neutral`), `cells` recognises its cell.
"""

"""Passes over a model: each edits it in one way. `pipeline.steps` has their order.

What enters each pass: a `Model`. What leaves: the same model, edited; some passes also give how
many changes they made.

Not passes: `rewrite` edits the TensorFlow function before it is translated, by the rules of
`convolutions`, `einsum` and `rolls`; `naming` works on both sides of the translation; `variables`
and `gathering` build what `sequences` puts in.
"""

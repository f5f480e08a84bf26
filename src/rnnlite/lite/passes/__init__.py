"""Passes over a model: each edits it in one way. `pipeline.pass_order` has their order.

What enters each pass: a `Model`. What leaves: the same model, edited; some passes also give how
many changes they made.

Not passes: `naming` works on both sides of the translation; `variables` and `gathering` build what
`sequences` puts in.
"""

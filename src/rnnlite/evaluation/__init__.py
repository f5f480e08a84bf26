"""How well a model does on labelled data, and how far it agrees with another.

What enters: a model, samples, and labels or another model. What leaves: an `Evaluation`.

`files` reads and writes files. `evaluate` runs the models and scores each row: `labels` reads
labels, `metrics` sums up scores, `records` holds the results. `tables` and `page` show them.
"""

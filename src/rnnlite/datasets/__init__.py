"""Whole data sets: samples read from files row by row, results written so that a run can go on.

What enters: a model, and files with samples. What leaves: a file with a result for each sample.

`predicting` has the call. Reading: `opening` tells the format and has a class of `Rows` for each
(`numpy_files`, `parquet`). Writing: `parts` keeps what is done, `results` has the formats.
`cluster` does the work on Ray, `early` runs exits.
"""

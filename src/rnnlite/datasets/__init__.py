"""Whole data sets: samples are read row by row, and an interrupted run can go on.

What enters: a model, and files with samples. What leaves: a file with a result for each sample.

`predict_files` is in `predicting`. Reading: `opening` tells the format; each has a class of `Rows`
(`numpy_files`, `parquet`). Writing: `parts` keeps the results so far, `results` has the formats.
`cluster` runs the model on Ray, `early` runs exits.
"""

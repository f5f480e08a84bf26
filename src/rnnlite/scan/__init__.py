"""Recurrences as Scans: the known cells, their products, and the same in NumPy (the oracle).

What enters: what a front end knows of one recurrence. What leaves: a `Scan`.

`scan` has the Scan, and the interface of a cell; `cells` has the known cells. `tensors` and
`protos` declare the types of TensorFlow's objects, for the whole package.
"""

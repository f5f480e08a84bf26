"""Recurrences as Scans: known cells and their products, their NumPy oracle.

What enters: what a front end knows of one recurrence. What leaves: a `Scan`.

`scan` has the Scan and what a cell has to have, `cells` the known ones. `tensors` and `protos` are
the types of what TensorFlow gives, for all of the package.
"""

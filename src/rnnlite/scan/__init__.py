"""Recurrences as Scans: known cells and their products, their NumPy oracle.

`scan` has the Scan and what a cell has to have, `cells` the known ones. `tensors` and `protos` are
the types of what TensorFlow gives, for all of the package.
"""

"""Rewrite a float model to integers, or compress its weights, and check the result.

What enters: a float `Model`, changed in place, and its `Plan`. What leaves: the same with integers,
and a record for each weight.

`integer` goes through the ops by the plan; `operands` makes the values that they are given. What
some ops want stands apart: `weighted` and `products`, `compared`, `int32`, `floats`, `io_types`.
`weights` is for the modes that leave arithmetic in float. `check` looks at the finished file.
"""

"""Rewrite a float model to integers, or compress its weights, and check the result.

What enters: a float `Model`, changed in place, and its `Plan`. What leaves: the model with
integers, and a record for each weight.

`integer` goes through the ops by the plan; `operands` makes their integer operands. Some kinds of
ops have modules of their own: products (`weighted`, `products`), comparisons (`compared`), ops in
int32 (`int32`) or in float (`floats`). `io_types` handles inputs and outputs, `widen` requantizes.
`weights` is for the modes that leave arithmetic in float. `check` checks the finished model.
"""

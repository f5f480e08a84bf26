"""Rewrite an Einsum that the official converter refuses as products and sums that it takes.

What enters: the equation of an Einsum, and two operands. What leaves: the result, computed by
products and sums.

The converter takes an Einsum that is a product of matrices. Where lengths are free, it refuses
three kinds: an axis that only one operand has, and the result has not ("bti,btf->bf"); no axis to
sum over ("bt,bs->bts"); only axes that both operands have ("btf,btf->bt").
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from rnnlite.scan.tensors import Tensor


@dataclass(frozen=True)
class Equation:
    """The equation of an Einsum of two operands: a letter for each axis."""

    left: str
    right: str
    result: str

    @property
    def alone(self) -> str:
        """The axes that only one operand has, and that are summed over."""
        once = set(self.left) ^ set(self.right)
        return "".join(a for a in self.left + self.right if a in once - set(self.result))

    @property
    def is_matrix_product(self) -> bool:
        """Whether an axis of both operands is summed over, and one operand has a further axis."""
        summed = set(self.left) & set(self.right) - set(self.result)
        return bool(summed) and set(self.left) != set(self.right)

    def without(self, axes: str) -> Equation:
        """The equation after these axes have been summed over."""
        left, right = ("".join(a for a in o if a not in axes) for o in (self.left, self.right))
        return Equation(left, right, self.result)

    def __str__(self) -> str:
        return f"{self.left},{self.right}->{self.result}"


def read_equation(text: str) -> Equation | None:
    """The equation of an op's attribute; None unless it has two operands and plain letters."""
    operands, _, result = text.replace(" ", "").partition("->")
    left, comma, right = operands.partition(",")
    if not comma or "," in right or "." in text:
        return None
    if any(len(set(axes)) != len(axes) for axes in (left, right, result)):
        return None
    return Equation(left, right, result)


def is_refused(equation: Equation) -> bool:
    """Whether the converter refuses the Einsum where lengths are free."""
    return bool(equation.alone) or not equation.is_matrix_product


def in_products(equation: Equation, left: Tensor, right: Tensor) -> Tensor:
    """The value of an Einsum: sums over axes of one operand first, then a product.

    Args:
        equation: an equation that `is_refused`.
        left, right: the operands, with an axis for each letter.
    """
    alone = equation.alone
    for axis in alone:
        if axis in equation.left:
            left = tf.reduce_sum(left, axis=equation.left.index(axis))
        else:
            right = tf.reduce_sum(right, axis=equation.right.index(axis))
        equation = equation.without(axis)
    if equation.is_matrix_product:
        made: Tensor = tf.einsum(str(equation), left, right)
        return made
    summed = "".join(a for a in equation.left if a in equation.right and a not in equation.result)
    order = equation.result + summed
    product = _aligned(left, equation.left, order) * _aligned(right, equation.right, order)
    if not summed:
        return product
    total: Tensor = tf.reduce_sum(product, axis=list(range(len(equation.result), len(order))))
    return total


def _aligned(x: Tensor, axes: str, order: str) -> Tensor:
    """x with its axes in the order of letters, and an axis of 1 for each letter that it lacks."""
    x = tf.transpose(x, [axes.index(a) for a in order if a in axes])
    for place, a in enumerate(order):
        if a not in axes:
            x = tf.expand_dims(x, place)
    return x

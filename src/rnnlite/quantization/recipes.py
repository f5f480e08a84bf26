"""Ways to quantize to integers, by mode, the cheapest first.

What enters: a mode, and the name of a recipe. What leaves: a `Recipe`, which gives each op the type
that it computes in. Pure data.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnlite.quantization.plan.plan import Precision

PRODUCTS = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")


def all_int8(op: str, in_loop: bool) -> str:
    """All ops in int8."""
    return "int8"


def int16_states(op: str, in_loop: bool) -> str:
    """Products in int8; states and gates of the recurrences in int16."""
    return "int16" if in_loop and op not in PRODUCTS else "int8"


def all_int16(op: str, in_loop: bool) -> str:
    """All activations in int16; weights stay in int8."""
    return "int16"


@dataclass(frozen=True)
class Recipe:
    """One way to quantize a model to integers.

    Attributes:
        name: the name in the report.
        precision: the type in which each op computes.
        by_row: whether tables of embeddings get a scale for each row.
        split: what is stored as two int8 constants: "", "kernels", or "all" (kernels and tables).
    """

    name: str
    precision: Precision
    by_row: bool = False
    split: str = ""


RECIPES: dict[str, tuple[Recipe, ...]] = {
    "int8": (
        Recipe("int8", all_int8),
        Recipe("products int8, states and gates int16", int16_states),
        Recipe("int16", all_int16, by_row=True),
        Recipe("int16, kernels in two int8 parts", all_int16, by_row=True, split="kernels"),
    ),
    "int16x8": (
        Recipe("int16", all_int16, by_row=True),
        Recipe("int16, kernels in two int8 parts", all_int16, by_row=True, split="all"),
    ),
}
"""Mode -> its recipes, the cheapest first. docs/decisions.md has what each gave."""

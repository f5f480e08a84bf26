"""Layers that look strings or values up in tables: refused, with the place to cut the model at.

What enters: a live model. What leaves: nothing, or a refusal that names the layer.

LiteRT's builtin ops know no tables that a model here could use. What is in front of the numbers, or
behind them, is to run outside.
"""

from __future__ import annotations

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.keras.blame import in_words
from rnnlite.frontends.keras.flavour import Flavour, layers_of
from rnnlite.frontends.keras.types import KerasModel, Layer

LOOKUPS = ("TextVectorization", "StringLookup", "IntegerLookup", "Hashing", "HashedCrossing")


def refuse_lookups(flavour: Flavour, model: KerasModel) -> None:
    """Refuse a model with a layer that takes or gives strings, or looks values up in a table.

    Raises:
        UnsupportedError: naming the layer and where to cut.
    """
    for layer in layers_of(model):
        if layer is model:
            continue
        takes, gives = (_kinds(flavour, layer, side) for side in ("input", "output"))
        lookup = type(layer).__name__ in LOOKUPS
        if not lookup and not ("string" in takes and "string" not in gives):
            continue
        where = f"model.get_layer('{layer.name}')"
        # Keras 3 does not tell that an inverted lookup gives strings.
        if "string" in gives or getattr(layer, "invert", False):
            place, code = "in front of", f"keras.Model(model.inputs, {where}.input)"
        else:
            place, code = "behind", f"keras.Model({where}.output, model.outputs)"
        raise UnsupportedError(
            f"{in_words(layer)} works on strings or a table, which LiteRT models here do not",
            expected="numbers",
            remedy=f"Cut the model {place} it: {code}, and run the layer outside",
        )


def _kinds(flavour: Flavour, layer: Layer, side: str) -> set[str]:
    """The dtypes of a layer's inputs or outputs; none where it has no fixed ones."""
    try:
        tensors = flavour.flatten(getattr(layer, side))
    except (AttributeError, ValueError, RuntimeError):
        return set()
    return {str(getattr(t.dtype, "name", t.dtype)) for t in tensors if hasattr(t, "dtype")}

"""Refuse layers that look up strings or values in tables, and tell where to cut the model.

What enters: a live model. What leaves: nothing, or a refusal that names the layer.

LiteRT's builtin ops have no such tables. These layers have to run outside, in front of the model or
behind it.
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
    """The dtypes of a layer's inputs or outputs; empty where it has no fixed ones."""
    try:
        tensors = flavour.flatten(getattr(layer, side))
    except (AttributeError, ValueError, RuntimeError):
        return set()
    return {str(getattr(t.dtype, "name", t.dtype)) for t in tensors if hasattr(t, "dtype")}

"""Quantize a model in one way after the other, the cheapest first.

What enters: a float model and samples. What leaves: quantized models, each made when it is asked
for. `choice` decides which one is taken, once they are finalized and measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rnnlite.errors import UnsupportedError
from rnnlite.lite.ir import Model, Op, Value
from rnnlite.quantization.calibration import Ranges, Samples, Seen
from rnnlite.quantization.chunks import Chunk, io_types
from rnnlite.quantization.config import QuantizationConfig
from rnnlite.quantization.given_states import Places, types_within
from rnnlite.quantization.measure.culprits import Rewriting, before_rewriting
from rnnlite.quantization.prepare.conv3d import flatten_conv3d
from rnnlite.quantization.prepare.palettes import palette_records
from rnnlite.quantization.prepare.two_terms import refine_tables
from rnnlite.quantization.preparing import prepared
from rnnlite.quantization.recipes import PRODUCTS, RECIPES
from rnnlite.quantization.rewrite.integer import rewrite_to_integers
from rnnlite.quantization.rewrite.weights import compress_to_float16, compress_to_int8
from rnnlite.report.quantization import WeightRecord

DYNAMIC = {
    "float32": "int8",
    "float32, kernels in float16": "float16",
    "float32, all weights in float16": "",
}
"""The trials of the mode "dynamic" -> the type of kernels of products; "" for all in float16."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A quantized model, which is not finalized yet.

    Attributes:
        recipe: the name of the recipe.
        model: the quantized model.
        weights: the type of each weight.
        kept: ops that stayed in float, and why.
        ranges: in integer modes, what calibration saw.
        limited: whether it is given up if its file is larger than `largest_file`.
        chunk: for a file with a stream, in integer modes, the model of a chunk.
        rewriting: in integer modes, the model in float and its plan, to compare with.
        states: in integer modes, indices of inputs and of the outputs as which they come back.
    """

    recipe: str
    model: Model
    weights: list[WeightRecord]
    kept: tuple[str, ...] = ()
    ranges: Ranges | None = None
    limited: bool = False
    chunk: Model | None = None
    rewriting: Rewriting | None = None
    states: Places = ()


@dataclass(frozen=True, eq=False)
class Refused:
    """A recipe that gives no model.

    Attributes:
        recipe: the name of the recipe.
        refusal: the refusal of an op that has no integer kernel.
    """

    recipe: str
    refusal: UnsupportedError


def lighten_weights(model: Model, mode: str, recipe: str) -> None:
    """Quantize the weights of a further model, in place, by the recipe that was taken.

    Args:
        model: the further model, such as that of a chunk.
        mode: "float16" or "dynamic".
        recipe: the name of the recipe; see `Candidate.recipe`.
    """
    kernels = None
    if mode == "dynamic":
        flatten_conv3d(model)
        refine_tables(model, palettize=True)
        kernels = DYNAMIC[recipe]
    if kernels:
        compress_to_int8(model, kernels=kernels)
    else:
        compress_to_float16(model)


def candidates(
    model: Model,
    config: QuantizationConfig,
    samples: Samples | None,
    chunk: Chunk | None = None,
    states: Places = (),
) -> Iterator[Candidate | Refused]:
    """Ways to quantize a model, the cheapest first, each made when it is asked for.

    Args:
        model: the float model; it is changed.
        config: the quantization that is asked for.
        samples: the calibration data, which integer modes need.
        chunk: the function of a chunk, which integer modes quantize with it.
        states: inputs that come back as outputs.
    """
    if config.integer and samples is not None:
        yield from _integer(model, config, samples, chunk, states)
    elif config.mode == "dynamic":
        yield from _dynamic(model)
    else:
        yield Candidate("float32", model, compress_to_float16(model))


def _dynamic(model: Model) -> Iterator[Candidate]:
    """The trials of the mode "dynamic"; see `DYNAMIC`."""
    flatten_conv3d(model)
    refine_tables(model, palettize=True)
    for number, (name, kernels) in enumerate(DYNAMIC.items()):
        plain, _ = model.copy()
        found = compress_to_int8(plain, kernels=kernels) if kernels else compress_to_float16(plain)
        weights = [*found, *palette_records(plain)]
        yield Candidate(name, plain, weights, limited=number > 0)


def _integer(
    model: Model,
    config: QuantizationConfig,
    samples: Samples,
    chunk: Chunk | None,
    states: Places,
) -> Iterator[Candidate | Refused]:
    """What the recipes of an integer mode give."""
    faint: frozenset[Value] = frozenset()
    seen: dict[bytes, Seen] = {}
    for recipe in RECIPES[config.mode]:
        try:
            made = prepared(model, config, recipe, samples, faint, chunk, states, seen)
        except UnsupportedError as e:
            yield Refused(recipe.name, e)
            continue
        plain, faint = made.model, made.faint
        whole = set(plain.ops())
        kept = _kept({op: why for op, why in made.plan.kept.items() if op in whole})
        rewriting = before_rewriting(plain, made.plan)
        given = made.states if config.io != "float32" else ()
        if chunk is not None and made.chunk is not None:
            types = {**types_within(made.chunk, given), **io_types(chunk, made.chunk)}
            rewrite_to_integers(made.chunk, made.plan, config.io, types)
        found = rewrite_to_integers(plain, made.plan, config.io, types_within(plain, given))
        weights = [*found, *palette_records(plain)]
        limited = config.mode == "int8" and bool(recipe.split)
        yield Candidate(
            recipe.name,
            plain,
            weights,
            kept,
            made.ranges,
            limited,
            made.chunk,
            rewriting,
            made.states,
        )


def weights_a_step(model: Model) -> int:
    """The most weights of products that a loop body reads, each constant counted once."""
    largest = 0
    for body in {op.branches[1] for op in model.loops()}:
        kernels = [op.input(1).data for op in body.ops if op.kind in PRODUCTS]
        held = {data.tobytes() for data in kernels if data is not None}
        largest = max(largest, sum(map(len, held)) // 4)
    return largest


def _kept(kept: Mapping[Op, str]) -> tuple[str, ...]:
    return tuple(f"{op.kind} '{op.output.name}': {reason}" for op, reason in kept.items())

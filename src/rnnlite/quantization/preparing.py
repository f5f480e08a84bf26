"""Make a float model ready to be rewritten to integers: ops, constants, ranges and scales.

What enters: a float model, a recipe and samples; for a file with a stream, the model of a chunk
too. What leaves: a copy of each, and one plan for both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rnnlite.lite.ir import Model, Op, Value
from rnnlite.quantization.calibration import Ranges, Samples, Seen, calibrate
from rnnlite.quantization.chunks import Chunk, running_ops, tied
from rnnlite.quantization.config import QuantizationConfig
from rnnlite.quantization.given_states import Places, fitting, pairs
from rnnlite.quantization.params import Range
from rnnlite.quantization.plan.front import scaling_ops
from rnnlite.quantization.plan.markers import marked_ranges
from rnnlite.quantization.plan.masks import binary_inputs, soften_masks
from rnnlite.quantization.plan.plan import Plan, make_plan
from rnnlite.quantization.plan.twins import Pair
from rnnlite.quantization.prepare.conv3d import flatten_conv3d
from rnnlite.quantization.prepare.decompose import decompose, faint_results
from rnnlite.quantization.prepare.dynamic_scales import drop_dynamic_scales
from rnnlite.quantization.prepare.fills import separate_fills
from rnnlite.quantization.prepare.two_terms import refine_tables, split_weights
from rnnlite.quantization.recipes import Recipe
from rnnlite.quantization.stream_calibration import calibrate_stream
from rnnlite.runtime.progress import Progress


@dataclass(frozen=True, eq=False)
class Prepared:
    """A float model that is ready to be rewritten to integers.

    Attributes:
        model: a copy with the ops and constants that the recipe quantizes.
        ranges: what calibration saw in it.
        plan: its quantization parameters.
        faint: values of the given model: results that are too small for prescribed steps; see
            `decompose`.
        chunk: the model of a chunk, ready too; the plan is for both.
        states: indices of inputs, and of the outputs as which they come back.
    """

    model: Model
    ranges: Ranges
    plan: Plan
    faint: frozenset[Value]
    chunk: Model | None = None
    states: Places = ()


def prepared(
    model: Model,
    config: QuantizationConfig,
    recipe: Recipe,
    samples: Samples,
    faint: frozenset[Value] = frozenset(),
    chunk: Chunk | None = None,
    states: Places = (),
    seen: dict[bytes, Seen] | None = None,
) -> Prepared:
    """Prepare a copy of a float model, calibrate it, plan its quantization parameters.

    Args:
        model: the float model.
        config: the quantization that is asked for.
        recipe: the way to quantize the model.
        samples: the calibration data.
        faint: results that an earlier recipe found too small for prescribed steps.
        chunk: the function of a chunk, to be prepared with the model.
        states: inputs of the model that come back as outputs.
        seen: what calibration saw in models of earlier recipes; see `calibrate`.

    Raises:
        UnsupportedError: an op has no integer kernel.
    """
    while True:
        made = _made_ready(model, config, recipe, faint, lambda m: marked_ranges(m, samples.used))
        with Progress("calibrating", len(samples.used), config.progress) as bar:
            ranges = calibrate(made.model, samples, advance=bar.add, known=seen)
        found = faint_results(made.model, ranges.values)
        more = frozenset(v for v, twin in made.twins.items() if twin in found) - faint
        if not more:
            break
        faint |= more
    plain = made.model
    binary = binary_inputs(plain, [*samples.used, *samples.held_out])
    marked = marked_ranges(plain, samples.used)
    softened = soften_masks(plain, {**ranges.values, **marked}, recipe.precision, binary)
    if softened.again:
        ranges = calibrate(plain, samples)
    whole = _Ready(
        plain,
        made.twins,
        {**ranges.likely(), **marked, **softened.ranges},
        softened.present(made.wide),
        made.front,
        marked=frozenset(marked),
    )
    beside = None if chunk is None else _beside(chunk, whole, model, config, recipe, samples, faint)
    both = whole if beside is None else whole.and_beside(beside)
    known = fitting(plain, states, ranges.values)
    given = {value.name or value.label for value, _ in pairs(plain, known)}
    ranges.constant = [name for name in ranges.constant if name not in given]
    plan = make_plan(
        plain,
        both.ranges,
        recipe.precision,
        allow_float=config.allow_float,
        wide=both.wide,
        marked=both.marked,
        front=both.front,
        beside=None if beside is None else beside.model,
        twins=both.pairs,
        running=both.running,
        states=pairs(plain, known),
    )
    return Prepared(plain, ranges, plan, faint, None if beside is None else beside.model, known)


@dataclass(frozen=True, eq=False)
class _Ready:
    """A float model with the ops and constants that a recipe quantizes.

    Attributes:
        model: a copy of the converter's model.
        twins: value of the converter's model -> value of the copy.
        ranges: the ranges that are planned for.
        wide, front, running, pairs, marked: see `make_plan`.
    """

    model: Model
    twins: Mapping[Value, Value]
    ranges: Mapping[Value, Range] = field(default_factory=dict)
    wide: frozenset[Op] = frozenset()
    front: frozenset[Op] = frozenset()
    running: frozenset[Op] = frozenset()
    pairs: Sequence[Pair] = ()
    marked: frozenset[Value] = frozenset()

    def and_beside(self, beside: _Ready) -> _Ready:
        """This model and that of a chunk together, as `make_plan` takes them."""
        return replace(
            self,
            ranges={**self.ranges, **beside.ranges},
            wide=self.wide | beside.wide,
            front=self.front | beside.front,
            running=beside.running,
            pairs=beside.pairs,
            marked=self.marked | beside.marked,
        )


def _made_ready(
    model: Model,
    config: QuantizationConfig,
    recipe: Recipe,
    faint: Collection[Value],
    integer: Callable[[Model], Collection[Value]],
) -> _Ready:
    """A copy of a model with the ops that a recipe quantizes.

    Args:
        integer: gives the inputs of the copy that become integers, whatever `config.io` is.
    """
    plain, twins = model.copy()
    drop_dynamic_scales(plain)
    flatten_conv3d(plain)
    separate_fills(plain)
    if recipe.by_row:
        refine_tables(plain, palettize=config.mode == "int8")
    if recipe.split:
        split_weights(plain, tables=recipe.split == "all")
    front = scaling_ops(plain, integer(plain)) if config.io == "float32" else frozenset()
    wide = decompose(plain, recipe.precision, frozenset(twins[v] for v in faint), front)
    return _Ready(plain, twins, wide=wide, front=front)


def _beside(
    chunk: Chunk,
    whole: _Ready,
    model: Model,
    config: QuantizationConfig,
    recipe: Recipe,
    samples: Samples,
    faint: frozenset[Value],
) -> _Ready:
    """The model of a chunk, made ready as that of the whole sequence was.

    Args:
        whole: the model of the whole sequence, made ready.
        model: the same, as the converter gave it.
        faint: values of `model`; see `Prepared`.
    """
    known = chunk.pairs(model)
    small = {a for a, b in known if b in faint}
    made = _made_ready(
        chunk.model, config, recipe, small, lambda m: [before for _, before, _ in chunk.states(m)]
    )
    seen = calibrate_stream(made.model, chunk.signature, samples).values
    softened = soften_masks(made.model, seen, recipe.precision)
    twins = {**made.twins, **whole.twins}
    found = tied([(twins[a], twins[b]) for a, b in known])
    # A state is one value: what comes out is fed back as it is.
    kept = [(before, after) for _, before, after in chunk.states(made.model)]
    pairs = list(zip(made.model.main.inputs, whole.model.main.inputs, strict=False))
    same = {a: whole.ranges[b] for a, b in pairs if b in whole.ranges}
    return _Ready(
        made.model,
        made.twins,
        {**seen, **softened.ranges, **same},
        softened.present(made.wide),
        made.front,
        running_ops(chunk, made.model, found),
        [*found, *kept],
        frozenset(a for a, b in pairs if b in whole.marked),
    )

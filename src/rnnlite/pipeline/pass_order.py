"""The passes that every model goes through, in order: after translation, and before writing.

What enters: an `Entry`, or `Part`s. What leaves: a float `Model`, or the bytes of a file.

Entry --rewrite--> TF function --translate--> flatbuffer --AFTER_TRANSLATION--> float model
float or quantized model --passes_of_part(...)--> signed model
signed models of all entries --merge--> one model
one model --passes_of_file(...)--> checked model --write--> bytes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rnnlite._version import __version__
from rnnlite.frontends.program import Entry
from rnnlite.lite import schema
from rnnlite.lite.ir import Model
from rnnlite.lite.merging import merge
from rnnlite.lite.passes.barriers import drop_barriers
from rnnlite.lite.passes.borders import guard_copies
from rnnlite.lite.passes.casts import drop_cast_pairs
from rnnlite.lite.passes.counters import drop_idle_counters
from rnnlite.lite.passes.flattening import drop_flattening
from rnnlite.lite.passes.folding import fold_rows
from rnnlite.lite.passes.free_axes import mark_free_axes
from rnnlite.lite.passes.labels import label_tensors
from rnnlite.lite.passes.micro import suit_microcontrollers
from rnnlite.lite.passes.naming import restore
from rnnlite.lite.passes.prune import prune
from rnnlite.lite.passes.results import (
    separate_branch_results,
    separate_loop_results,
    separate_main_results,
)
from rnnlite.lite.passes.scalars import squeeze_scalars
from rnnlite.lite.passes.sequences import keep_sequences
from rnnlite.lite.passes.settling import settle_shapes
from rnnlite.lite.passes.share import share_bodies, share_functions
from rnnlite.lite.passes.signature import set_signature
from rnnlite.lite.passes.sums import hold_sums
from rnnlite.lite.record import GUARDED, TARGET, record, set_record
from rnnlite.lite.requirements import (
    raise_versions,
    refuse_older,
    requirement,
    set_least_release,
)
from rnnlite.lite.structure import check_structure
from rnnlite.lite.target_ops import require_ops
from rnnlite.pipeline import facts
from rnnlite.pipeline.passes import Pass, run_passes
from rnnlite.quantization.rewrite.check import check_quantization
from rnnlite.target import LITERT, Target

AFTER_TRANSLATION = (
    Pass("mark_free_axes", mark_free_axes),
    Pass("drop_idle_counters", drop_idle_counters),
    Pass("separate_loop_results", separate_loop_results, ensures=(facts.LOOPS_KEEP_PLACES,)),
    Pass("separate_branch_results", separate_branch_results, ensures=(facts.BRANCHES_DISTINCT,)),
    Pass("separate_main_results", separate_main_results, ensures=(facts.RESULTS_OWN,)),
    Pass("drop_cast_pairs", drop_cast_pairs, ensures=(facts.NO_CAST_PAIRS,)),
    Pass("drop_flattening", drop_flattening),
    Pass("fold_rows", fold_rows),
    Pass("drop_barriers", drop_barriers),
    Pass("squeeze_scalars", squeeze_scalars),
    Pass("settle_shapes", settle_shapes),
    Pass("share_bodies", share_bodies, needs=(facts.LOOPS_KEEP_PLACES,)),
)
"""Passes that correct what the official converter gives, and make it smaller."""


@dataclass(frozen=True, eq=False)
class Part:
    """One function of a file that is being made: what one signature runs.

    Attributes:
        entry: the function.
        model: its model, float or quantized, which has no signature yet.
        details: further entries of the record.
    """

    entry: Entry
    model: Model
    details: Mapping[str, Any] = field(default_factory=dict)

    def copy(self) -> Part:
        """The same part, with a copy of the model that may be changed."""
        return Part(self.entry, self.model.copy()[0], self.details)


def passes_of_part(part: Part, target: Target) -> tuple[Pass, ...]:
    """The passes that make a signed model of a part, for a target."""
    return (
        Pass(
            "keep_sequences",
            keep_sequences,
            needs=(facts.LOOPS_KEEP_PLACES, facts.BRANCHES_DISTINCT),
            ensures=(facts.SEQUENCES_KEPT, facts.LOOPS_KEEP_PLACES, facts.BRANCHES_DISTINCT),
        ),
        Pass(
            "suit_microcontrollers",
            partial(suit_microcontrollers, target=target),
            needs=(facts.SEQUENCES_KEPT,),
        ),
        Pass("guard_copies", guard_copies, needs=(facts.SEQUENCES_KEPT,)),
        Pass("hold_sums", hold_sums),
        Pass("raise_versions", raise_versions),
        Pass("sign", partial(_sign, part, target), ensures=(facts.SIGNED,)),
    )


@dataclass(frozen=True, eq=False)
class File:
    """A file that was made.

    Attributes:
        data: its bytes.
        model: what was written.
        labels: for what ops of the main graph make, the source's name -> the name in the file.
    """

    data: bytes
    model: Model
    labels: Mapping[str, str]


def passes_of_file(
    *, quantized: bool, target: Target, labels: dict[str, str] | None = None
) -> tuple[Pass, ...]:
    """The passes of the merged model, before it is written. `labels`: see `label_tensors`."""
    return (
        Pass("share_functions", share_functions, needs=(facts.SIGNED,), ensures=(facts.SIGNED,)),
        Pass("require_release", partial(_require_release, target), needs=(facts.SIGNED,)),
        Pass("prune", prune, needs=(facts.SIGNED,), ensures=(facts.PRUNED,)),
        Pass(
            "label_tensors",
            partial(label_tensors, unique=not quantized, inner=target.inner_names, labels=labels),
            needs=(facts.PRUNED,),
            ensures=(facts.LABELLED,),
        ),
        Pass("refuse_older", partial(_refuse_older, target), needs=(facts.SIGNED,)),
        Pass("require_ops", partial(require_ops, target)),
        Pass("check_structure", check_structure),
        Pass("check_quantization", check_quantization),
    )


def translate(entry: Entry, *, of_chunks: bool = False) -> Model:
    """The float model of an Entry, with names, origins and marks of the source.

    Args:
        of_chunks: whether the entry is the function of a chunk.

    Raises:
        UnsupportedError: an op has no builtin form.
    """
    from rnnlite.lite.before_translation.rewrite import rewrite
    from rnnlite.lite.translate import run_converter

    data, names = run_converter(rewrite(entry.function, of_chunks=of_chunks))
    model = schema.read(data)
    restore(model, names)
    run_passes(AFTER_TRANSLATION, model)
    return model


def finalize(parts: Sequence[Part], target: Target = LITERT) -> File:
    """Sign, merge, prune, check and write the models of parts, which are changed.

    Args:
        parts: one for each signature. The first one runs where a caller names none.
        target: what the file is made for.

    Raises:
        ModelError: the merged model is not well formed.
        UnsupportedError: the target lacks an op.
    """
    for part in parts:
        run_passes(passes_of_part(part, target), part.model)
    model = merge([part.model for part in parts])
    quantized = "quantize" in parts[0].details
    labels: dict[str, str] = {}
    run_passes(passes_of_file(quantized=quantized, target=target, labels=labels), model)
    return File(schema.write(model), model, labels)


MIN_RUNTIME = "min_runtime"
"""Key in the record: the first release that the file is right on, and why."""


def _sign(part: Part, target: Target, model: Model) -> None:
    """Give a model its signature and its record."""
    made_for = {} if target is LITERT else {TARGET: target.name}
    details = {GUARDED: True, MIN_RUNTIME: None, **made_for, **part.details}
    set_signature(model, part.entry, __version__, details)


def _require_release(target: Target, model: Model) -> None:
    """Enter the least runtime in the record and in the file."""
    needed = requirement(model, target)
    runtime = {"release": needed.release.name, "reason": needed.reason}
    set_record(model, {**record(model), MIN_RUNTIME: runtime})
    set_least_release(model, needed)


def _refuse_older(target: Target, model: Model) -> None:
    refuse_older(model, requirement(model, target), target)

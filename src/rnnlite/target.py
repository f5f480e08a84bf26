"""What a file is made for: what a runtime has, and what things cost there.

What enters: a name. What leaves: a `Target`. Pure data.

A later stage asks the `Target` and knows no runtime by itself: `lowering` lays loops out by its
costs, `lite.requirements` finds the least release, `pipeline` refuses what it does not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rnnlite.errors import OptionError
from rnnlite.lite.releases import KERNELS, MANY_AXES, MICRO_KERNELS, RELEASES, Release

Table = tuple[tuple[int, ...], ...]
"""Rows of numbers; the first of each says from which bytes on it holds. The largest come first."""


@dataclass(frozen=True)
class Costs:
    """What things cost: measured by `benchmarks/loop_costs.py`. The defaults are LiteRT's.

    Attributes:
        l2_bytes: of the L2 cache of a core. XNNPACK packs a constant once for each product that
            reads it: what a loop reads should stay in half of it.
        prepare, prepare_step: microseconds to prepare a loop, and each unrolled step of it.
        copy_bytes: bytes of a buffer that are copied in a microsecond.
        tile: rows that float products take at a time.
        remainder_rows: batches a little above a multiple of `tile` -> rows that are faster each on
            its own.
        remainder_row: what such a row costs, in rows of a tile.
        gate: nanoseconds that a gate's value of one sequence saves where it is never written to
            memory.
        padding: nanoseconds for each input of a gate of a row that a product computes in vain, by
            the bytes of a weight.
        fewest: sequences at a time below which inputs are projected before the loop: a few rows
            take so long for the kernels that another one costs more than memory.
        usual_batch: what a free batch counts as where products are: `predict` takes so many at a
            time. Four times `tile`.
        chunked_bytes: bytes of a projected time step from which all of them together would leave
            the cache.
        large_row: bytes of an output row from which `chunk_growth_of_large` holds.
        chunk_growth, chunk_growth_of_large: how many times larger than the next smaller one a
            buffer is, and where rows are large and there are no partitions: copies come from memory
            then, where they cost more than another loop.
        depth: loops within loops by bytes of an output row, where there are no partitions: the
            larger the rows, the more their copies outweigh the preparation of another loop.
        partitions: loops within loops and partitions by bytes of an output row. A partition's
            buffers are so much smaller, and what they hold is joined at once; each prepares its
            loops anew.
        peeled_chunks: by bytes of an output row: some 128 steps, which then take no loop over
            chunks. They pay where there are partitions, for each of these prepares its loops. The
            runtime gives the memory of a branch back at each run: where rows are large, 10,000
            steps would take a seventh more.
        large_batch, peeled_chunks_of_large: batches from which short sequences are what counts, and
            the peeled chunks there.
        large_variables, large_variables_of_several: bytes of an output row from which variables
            cost more than chunks, for one sequence and for several at a time, whose products take
            less time for each byte: what puts rows together is memory that the runtime gives back
            at each run, and pages have to be cleared anew.
        large_projection: bytes of the projected rows of a step, from which unstacking several costs
            more than an iteration.
        large_step: weights that a loop reads at a step from which int16 costs 4 to 6 times the time
            of int8, and more than float32 takes (GRU and LSTM from 32 units).
        large_step_of_classifiers: the same, from which int16 costs 6 to 10 times (LSTM from 182).
    """

    l2_bytes: int = 1 << 20
    prepare: float = 8.0
    prepare_step: float = 2.0
    copy_bytes: float = 4.6e4
    tile: int = 7
    remainder_rows: Mapping[int, int] = field(
        default_factory=lambda: {2: 2, 8: 1, 9: 2, 15: 1, 22: 1}
    )
    remainder_row: int = 3
    gate: float = 0.6
    padding: Mapping[int, float] = field(default_factory=lambda: {4: 0.02, 1: 0.005})
    fewest: int = 4
    usual_batch: int = 28
    chunked_bytes: int = 3072
    large_row: int = 2048
    chunk_growth: int = 8
    chunk_growth_of_large: int = 4
    depth: Table = ((4096, 5), (512, 4), (65, 3), (0, 2))
    partitions: Table = ((4096, 3, 12), (1024, 3, 8), (512, 3, 4), (65, 3, 1), (0, 2, 1))
    peeled_chunks: Table = ((4096, 0), (2048, 6), (512, 4), (0, 0))
    large_batch: int = 16
    peeled_chunks_of_large: int = 1
    large_variables: int = 4096
    large_variables_of_several: int = 1024
    large_projection: int = 4096
    large_step: int = 3 * 32**2
    large_step_of_classifiers: int = 1 << 17


@dataclass(frozen=True)
class Target:
    """A runtime that files are made for.

    Attributes:
        name: as `convert(target=)` takes it.
        title: for people.
        releases: in order, with the ops and versions that each has; the first that loads a file is
            computed, and older ones refuse it.
        kernels, many_axes: the first release whose kernel is right, by op and type; see
            `lite.releases`.
        ops: the types of each op that it has; None where the releases say which ops there are.
        modes: quantizations that it runs, None for float32.
        free_shapes: whether an axis of an input may have any size.
        signatures: whether it runs others than the first.
        variables: whether loops can keep rows in variables that are found by numbers.
        inner_names: whether tensors of loops and branches are worth a name that is a number: a name
            and the entry of a tensor take some 25 bytes.
        costs: what things cost there.
        programs: by language, the program in `snippets.languages` that calls it, where that is
            not the language's own; "" where the runtime has no interface in the language.
    """

    name: str
    title: str
    releases: tuple[Release, ...] = RELEASES
    kernels: Mapping[tuple[str, str], str] = field(default_factory=lambda: KERNELS)
    many_axes: Mapping[str, str] = field(default_factory=lambda: MANY_AXES)
    ops: Mapping[str, frozenset[str]] | None = None
    modes: tuple[str | None, ...] = (None, "float16", "dynamic", "int8", "int16x8")
    free_shapes: bool = True
    signatures: bool = True
    variables: bool = True
    inner_names: bool = True
    costs: Costs = Costs()
    programs: Mapping[str, str] = field(default_factory=dict)

    def runs(self, kind: str, type: str) -> bool:
        """Whether there is a kernel of an op for a type; "" asks for the op in any type."""
        if self.ops is None:
            return True
        types = self.ops.get(kind, frozenset())
        return "any" in types or type in types or (not type and kind in self.ops)


def _by_op(kernels: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The types of each op, from the ops of each list of types."""
    return {op: frozenset(types.split()) for types, ops in kernels.items() for op in ops.split()}


LITERT = Target("litert", "LiteRT on a CPU, with XNNPACK")
"""What files are made for where nothing is said."""

MICRO = Target(
    "tflite-micro",
    "LiteRT for Microcontrollers",
    ops=_by_op(MICRO_KERNELS),
    modes=(None, "int8", "int16x8"),
    free_shapes=False,
    signatures=False,
    variables=False,
    programs={"cpp": "micro", "c": ""},
    inner_names=False,
)

TARGETS = {target.name: target for target in (LITERT, MICRO)}


def take_target(name: object) -> Target:
    """A target by its name.

    Raises:
        OptionError: there is none of this name.
    """
    if isinstance(name, Target):
        return name
    if not isinstance(name, str) or name not in TARGETS:
        raise OptionError(
            "target names no runtime",
            expected=" or ".join(f"'{known}'" for known in TARGETS),
            found=repr(name)[:60],
        )
    return TARGETS[name]

"""What a file is made for: what a runtime has, and what things cost there.

What enters: a name. What leaves: a `Target`. Pure data.

Later stages ask the `Target`, and know no runtime themselves: `lowering` lays loops out by its
costs, `lite.requirements` finds the least release, `pipeline` refuses what it does not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rnnlite.errors import OptionError
from rnnlite.lite.releases import KERNELS, MANY_AXES, MICRO_KERNELS, RELEASES, Release

Table = tuple[tuple[int, ...], ...]
"""Rows of (bytes, figures): the first row counts whose bytes are not above those asked for."""


@dataclass(frozen=True)
class Costs:
    """What things cost: measured by `benchmarks/loop_costs.py`. The defaults are LiteRT's.

    Attributes:
        l2_bytes: size of the L2 cache of a core. XNNPACK packs a constant once for each product
            that reads it; what a loop reads should fit in half of the cache.
        prepare, prepare_step: microseconds to prepare a loop, and for each unrolled step of it.
        copy_bytes: bytes of a buffer that are copied in a microsecond.
        tile: rows that float products take at a time.
        remainder_rows: batch size -> how many of its last rows are faster each on its own. The
            sizes are a little above a multiple of `tile`.
        remainder_row: what such a row costs, in rows of a tile.
        gate: nanoseconds saved for each value of a gate, of one sequence, that is not written to
            memory.
        padding: bytes of a weight -> nanoseconds that a padding row of a product costs for each
            input of a gate.
        fewest: batch size below which inputs are projected out of the loop. With few rows, a second
            kernel in the loop costs more time than memory does.
        usual_batch: the batch size that products are laid out for where the batch is free.
            `predict` runs so many samples at a time; it is four times `tile`.
        chunked_bytes: bytes of the projected inputs of a time step, from which those of all steps
            are taken to exceed the cache.
        large_row: bytes of an output row from which `chunk_growth_of_large` holds.
        chunk_growth, chunk_growth_of_large: how many times larger a buffer is than the next smaller
            one; the second holds for large rows without partitions, whose copies come from memory
            and cost more than another loop.
        depth: loops within loops by bytes of an output row, where there are no partitions: the
            larger the rows, the more their copies outweigh the preparation of another loop.
        partitions: loops within loops, and partitions, by bytes of an output row. With more
            partitions, buffers are smaller, but each partition prepares its loops anew.
        peeled_chunks: number of peeled chunks by bytes of an output row, some 128 steps in all.
            Sequences that fit in them run no loop over chunks. They pay where there are partitions,
            each of which prepares its loops. Where rows are large they do not: the runtime gives
            the memory of a branch back at each run, and 10,000 steps would take a seventh more
            time.
        large_batch, peeled_chunks_of_large: batch size from which layouts are made for short
            sequences, and the number of peeled chunks there.
        large_variables, large_variables_of_several: bytes of an output row from which resource
            variables cost more than chunks, for one sequence and for several at a time. The runtime
            gives the memory back in which rows are joined, so that pages are cleared anew at each
            run. The limit is lower for several sequences, whose products take less time for each
            byte.
        large_projection: bytes of the projected inputs of a step, from which unstacking those of
            several steps costs more than an iteration.
        large_step: number of weights that a loop reads in a step, from which int16 takes 4 to 6
            times the time of int8, and more than float32 (GRU and LSTM from 32 units).
        large_step_of_classifiers: the same, from which int16 takes 6 to 10 times the time of int8
            (LSTM from 182 units).
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
        name: what `convert(target=)` takes.
        title: the name that people read.
        releases: releases of the runtime in order, with the ops and versions that each has. The
            first one that loads a file is found, and older ones refuse the file.
        kernels, many_axes: the first release whose kernel is right, by op and type; see
            `lite.releases`.
        ops: the types in which the target has each op; None where the releases say which ops there
            are.
        modes: the modes of quantization that it runs; None stands for float32.
        free_shapes: whether an axis of an input may have any size.
        signatures: whether it runs other signatures than the first.
        variables: whether loops can keep rows in resource variables.
        inner_names: whether tensors of loops and branches get names, which take some 25 bytes each.
        costs: what things cost on the target.
        programs: language -> the program in `snippets.languages` that calls this target, where it
            is not the usual one of the language; "" where the runtime has no interface in the
            language.
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
"""The target of files where the user names none."""

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
    """A target by its name; a `Target` is given back.

    Raises:
        OptionError: there is no target of this name.
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

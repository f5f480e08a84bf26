"""Finds the free axes of a module's inputs: those that may have other sizes.

What enters: a `Call`. What leaves: groups of axes that change together, such as the batch of an
input and of its state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rnnlite.frontends.torch.calls import Call
from rnnlite.scan.tensors import Array

Axes = frozenset[tuple[int, int]]
"""Axes that change together, each as (index of the input, axis)."""

OTHERS: tuple[Callable[[int], tuple[int, int]], ...] = (
    lambda n: (n + 3, n + 1),
    lambda n: (2 * n, 3 * n),
)
"""Pairs of sizes to try instead of n: any, or multiples, for a module that takes only these.

An axis is free if the module runs at both sizes of a pair.
"""


def examples(call: Call, sizes: dict[tuple[int, int], int], seed: int = 0) -> list[Array]:
    """Inputs like the example's, at other sizes of some axes.

    Args:
        call: the module with its example.
        sizes: (input, axis) -> size.
        seed: seed of the random generator.

    Returns:
        one array for each input, of the example's dtype: floats from a normal distribution;
        integers and booleans of the example, repeated.
    """
    rng = np.random.default_rng(seed)
    found = []
    for k, tensor in enumerate(call.inputs):
        shape = [sizes.get((k, a), n) for a, n in enumerate(tensor.shape)]
        array = tensor.numpy()
        if array.dtype.kind == "f":
            found.append(rng.normal(size=shape).astype(array.dtype))
        elif array.size and array.ndim:
            # Lengths, ids and flags: those of the example, repeated.
            index = np.ix_(*[np.arange(n) % m for n, m in zip(shape, array.shape, strict=True)])
            found.append(array[index])
        else:
            found.append(array)
    return found


def runs(call: Call, sizes: dict[tuple[int, int], int]) -> list[Array] | None:
    """The module's results at other sizes ((input, axis) -> size); None if it refuses them."""
    return _results(call, examples(call, sizes))


def free_axes(call: Call) -> list[Axes]:
    """Groups of free axes: each axis with those that must change with it."""
    shapes = [tuple(t.shape) for t in call.inputs]
    places = [(k, a) for k, shape in enumerate(shapes) for a in range(len(shape))]
    found: list[Axes] = []
    taken: set[tuple[int, int]] = set()
    for place in places:
        if place in taken:
            continue
        size = shapes[place[0]][place[1]]
        alike = [p for p in places if shapes[p[0]][p[1]] == size and p not in taken]
        for group in _groups(place, alike):
            if _is_free(call, group, size):
                found.append(frozenset(group))
                taken.update(group)
                break
    return found


def _groups(
    place: tuple[int, int], alike: Sequence[tuple[int, int]]
) -> list[list[tuple[int, int]]]:
    """Groups to try for an axis: with axes of the same size in other inputs; last, alone.

    Groups come first, because a module may run with a batch that does not fit the lengths beside
    it, but compute nonsense.
    """
    groups: list[list[tuple[int, int]]] = []
    others = [p for p in alike if p[0] != place[0]]
    if others:
        first: dict[int, tuple[int, int]] = {}
        for p in others:
            if p[1] == place[1]:
                first[p[0]] = p
        if first:
            groups.append([place, *first.values()])
        last = {p[0]: p for p in others}
        groups += [[place, *last.values()], [place, *others]]
    return [*groups, [place]]


def _is_free(call: Call, group: Sequence[tuple[int, int]], size: int) -> bool:
    """Whether the module takes (`_takes`) both sizes of one of the pairs in `OTHERS`."""
    plain = runs(call, {})
    return any(all(_takes(call, group, n, plain) for n in others(size)) for others in OTHERS)


def _takes(
    call: Call, group: Sequence[tuple[int, int]], size: int, plain: Sequence[Array] | None
) -> bool:
    """Whether the module runs at a size, and returns no state of the example's shape.

    A cache of the last k rows comes back with k rows however many it is given: its size is not
    free.
    """
    found = runs(call, dict.fromkeys(group, size))
    if found is None:
        return False
    for k, _ in group:
        shape = tuple(call.inputs[k].shape)
        both = zip(plain or (), found, strict=False)
        if k > 0 and any(a.shape == b.shape == shape for a, b in both):
            return False
    return True


def counts_of(call: Call) -> frozenset[str]:
    """Names of the inputs that hold the lengths of sequences, as for packed sequences.

    They are integers (N,); the module runs if all are 1 and refuses 0.
    """
    found = []
    for k, tensor in enumerate(call.inputs):
        if tensor.dim() != 1 or tensor.is_floating_point() or not len(tensor):
            continue

        def takes(number: int, k: int = k) -> bool:
            arrays = [t.numpy() for t in call.inputs]
            arrays[k] = np.full_like(arrays[k], number)
            return _results(call, arrays) is not None

        if takes(1) and not takes(0):
            found.append(call.names[k])
    return frozenset(found)


def names_of(call: Call, groups: Sequence[Axes]) -> dict[str, dict[int, str]]:
    """Name of an input -> axis -> name of the free axis, as the exporter takes it."""
    found: dict[str, dict[int, str]] = {}
    batch = batch_of(call, groups)
    for number, group in enumerate(groups):
        for k, axis in group:
            label = "batch" if group is batch else f"axis_{number}"
            found.setdefault(call.names[k], {})[axis] = label
    return found


def batch_of(call: Call, groups: Sequence[Axes]) -> Axes | None:
    """The group of batch axes: if the inputs are reversed along it, so is each result."""
    for group in groups:
        place = next(iter(group))
        sizes = dict.fromkeys(group, call.inputs[place[0]].shape[place[1]] + 3)
        arrays = examples(call, sizes)
        turned = list(arrays)
        for k, axis in group:
            turned[k] = np.flip(turned[k], axis)
        plain, other = _results(call, arrays), _results(call, turned)
        if plain and other and all(map(_is_turned, plain, other)):
            return group
    return None


def _results(call: Call, arrays: Sequence[Array]) -> list[Array] | None:
    try:
        return call.run(arrays)
    except Exception:  # noqa: BLE001 - the module's own refusal, of any kind
        return None


def _is_turned(plain: Array, other: Array) -> bool:
    return any(
        np.allclose(np.flip(plain, axis), other, rtol=1e-4, atol=1e-5)
        for axis in range(plain.ndim)
        if plain.shape[axis] > 1
    )

"""Which axes of a module's inputs are free: those at which it runs at other sizes.

What enters: a `Call`. What leaves: groups of axes that change together, such as the batch of an
input and of its state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rnnlite.frontends.torch.calls import Call
from rnnlite.scan.tensors import Array

Axes = frozenset[tuple[int, int]]
"""(input, axis) of axes that have one size."""

OTHERS: tuple[Callable[[int], tuple[int, int]], ...] = (
    lambda n: (n + 3, n + 1),
    lambda n: (2 * n, 3 * n),
)
"""Sizes, instead of one, that show that the module takes others: any at all; or multiples, as what
halves the steps and joins them again wants them."""


def examples(call: Call, sizes: dict[tuple[int, int], int], seed: int = 0) -> list[Array]:
    """Inputs like the example's, at other sizes of some axes.

    Args:
        sizes: by (input, axis).
        seed: of the random generator.

    Returns:
        an array an input, of the example's dtype: normal floats; integers and truths are the
        example's own over again.
    """
    rng = np.random.default_rng(seed)
    found = []
    for k, tensor in enumerate(call.inputs):
        shape = [sizes.get((k, a), n) for a, n in enumerate(tensor.shape)]
        array = tensor.numpy()
        if array.dtype.kind == "f":
            found.append(rng.normal(size=shape).astype(array.dtype))
        elif array.size and array.ndim:
            # Lengths, ids and flags: those of the example over again.
            index = np.ix_(*[np.arange(n) % m for n, m in zip(shape, array.shape, strict=True)])
            found.append(array[index])
        else:
            found.append(array)
    return found


def runs(call: Call, sizes: dict[tuple[int, int], int]) -> list[Array] | None:
    """What the module gives at other sizes, by (input, axis); None where it refuses them."""
    return _results(call, examples(call, sizes))


def free_axes(call: Call) -> list[Axes]:
    """Axes that are free, each with those that change with it."""
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
    """The axis with those of the same size, more or fewer of them, and alone.

    First together: a batch that does not fit the lengths beside it may run, and mean nothing.
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
    """Whether the module runs at other sizes, and gives back no state of the example's size."""
    plain = runs(call, {})
    return any(all(_takes(call, group, n, plain) for n in others(size)) for others in OTHERS)


def _takes(
    call: Call, group: Sequence[tuple[int, int]], size: int, plain: Sequence[Array] | None
) -> bool:
    """Whether the module runs at a size, and gives back no state of the example's size.

    A cache of the last k rows comes back with k rows however many are given: its size is no length.
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
    """Names of inputs that hold numbers of time steps, one a sequence, as for packed sequences.

    They are integers (N,), for which the module runs at 1 and refuses 0.
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
    """For the exporter: by input, the name of each free axis."""
    found: dict[str, dict[int, str]] = {}
    batch = batch_of(call, groups)
    for number, group in enumerate(groups):
        for k, axis in group:
            label = "batch" if group is batch else f"axis_{number}"
            found.setdefault(call.names[k], {})[axis] = label
    return found


def batch_of(call: Call, groups: Sequence[Axes]) -> Axes | None:
    """The axes along which samples stand: turned round, the results are turned round."""
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

"""Models as people build them: a Hypothesis strategy, and the builder of a draw.

A draw is a dictionary of plain values: a failing case prints as it is, and `build(K, draw)` makes
it again. A model is a front (signal, spectrogram, image, video, text), recurrences with layers in
between, and a head; or an encoder with a decoder. `field_parts` holds the layers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

import field_parts as parts
from field_fronts import front

FAMILIES = [
    *["signal"] * 4,
    "spectrogram",
    *["image"] * 2,
    *["frames"] * 2,
    *["text"] * 2,
    *["decoder"] * 2,
    "tcn",
]
"""What enters a model; the usual kinds more often."""


Choose = Callable[[Sequence[Any]], Any]
"""Picks one of several values: Hypothesis, or a random generator."""


def conv_block(choose: Choose) -> dict[str, Any]:
    """One block along time in front of a recurrence or between two."""
    op = choose(["conv"] * 3 + ["separable", "depthwise", "pool", "pool", "branches", "pad"])
    strides = choose([1, 1, 1, 2])
    return {
        "op": op,
        "filters": choose([4, 6, 8]),
        "kernel": choose([1, 2, 3, 5]),
        "padding": choose(["same", "valid", "valid", "causal"]),
        "strides": strides,
        "dilation": choose([1, 1, 2, 4]) if strides == 1 else 1,
        "activation": choose(["relu", "relu", "elu", "tanh", "gelu", "leaky_relu"]),
        "norm": choose([None, None, "batch", "layer", "group"]),
        "residual": choose([False, True]),
        "pool": choose(["max", "max", "average"]),
        "size": choose([2, 2, 3, 4]),
        "dropout": choose([None, None, "plain", "spatial", "noise"]),
    }


def recurrence(choose: Choose) -> dict[str, Any]:
    """One recurrent layer, and what stands behind it where another follows."""
    return {
        "cell": choose(["LSTM", "LSTM", "GRU", "GRU", "SimpleRNN", "LSTMCell"]),
        "units": choose([5, 8, 12, 16]),
        "merge": choose([None, None, "concat", "concat", "sum", "ave", "mul"]),
        "reset_after": choose([True, False]),
        "backwards": choose([False] * 5 + [True]),
        "dropout": choose([0.0, 0.0, 0.3]),
        "recurrent_dropout": choose([0.0, 0.0, 0.0, 0.2]),
        "between": choose(
            [None, "norm", "batch", "dropout", "conv", "pool", "residual", "dense", "skip"]
        ),
    }


def head(choose: Choose) -> dict[str, Any]:
    """What stands behind the last recurrence: pooling over time, then layers; or a sequence."""
    return {
        "pool": choose([None, None, "sequence", "sequence", *parts.POOLINGS]),
        "layers": choose(parts.HEADS),
        "glue": choose(["op", "lambda", "layer"]),
        "classes": choose([2, 3, 5]),
        "side": choose([None, None, None, "joined", "state", "repeated"]),
        "second": choose([False] * 5 + [True]),
        "auxiliary": choose([False] * 4 + [True]),
    }


def model(choose: Choose, family: str | None = None) -> dict[str, Any]:
    """A whole model, of a family or of any."""
    family = family or choose(FAMILIES)
    common: dict[str, Any] = {
        "family": family,
        "seed": choose(range(10_000)),
        "weights": choose(["initial"] * 4 + ["trained"]),
        "length": choose([None, None, None, 60]),
        "features": choose([1, 3, 6]),
        "mask": choose([None, None, "layer", "explicit"]),
        "free_batch": choose([False, True]),
        "layers": [recurrence(choose) for _ in range(choose([1, 1, 2, 3]))],
        "head": head(choose),
    }
    if family in ("signal", "text"):
        count = choose([0, 1, 2, 3, 4] if family == "signal" else [0, 0, 1, 2])
        common["blocks"] = [conv_block(choose) for _ in range(count)]
    if family == "text":
        common["positions"] = choose([False, False, False, True])
    if family in ("image", "spectrogram", "frames"):
        pools = [2, (2, 1), (1, 2), (2, 2)]
        common["pools"] = [choose(pools) for _ in range(choose([1, 2, 3, 4]))]
        common["form"] = choose(parts.FORMS[family])
        common["norm"] = choose([None, None, "batch"])
        common["kernel"] = choose([3, 3, 5])
        common["depthwise"] = choose([False, False, True])
    if family == "tcn":
        common["dilations"] = choose([[1, 2], [1, 2, 4], [1, 3, 9]])
        common["gated"] = choose([False, True])
        common["skips"] = choose([False, True])
    if family == "decoder":
        common["form"] = choose(parts.FORMS["decoder"])
    return common


@st.composite
def models(draw: st.DrawFn, family: str | None = None) -> dict[str, Any]:
    """`model`, drawn by Hypothesis."""
    return model(lambda values: draw(st.sampled_from(values)), family)


def seeded(seed: int) -> dict[str, Any]:
    """`model`, drawn by a random generator: neighbours are as different as any two."""
    return model(random.Random(seed).choice)


def build(K: Any, draw: dict[str, Any]) -> Any:
    """The model of a draw in the package K (keras or tf_keras)."""
    K.utils.set_random_seed(draw["seed"])
    if draw["family"] == "decoder":
        inputs, outputs = parts.encoder_decoder(K, draw)
    else:
        inputs, x, mask = front(K, draw)
        outputs = _body(K, draw, inputs, x, mask)
    result = K.Model(inputs, outputs if len(outputs) > 1 else outputs[0])
    parts.move_weights(result, draw["seed"], trained=draw["weights"] == "trained")
    return result


def _body(K: Any, draw: dict[str, Any], inputs: list[Any], x: Any, mask: Any) -> list[Any]:
    """Recurrences and head; gives the outputs, and adds inputs."""
    L, last = K.layers, draw["head"]
    outputs = []
    side = None
    if last["side"]:
        side = K.Input((4,), name="static")
        inputs.append(side)
    if side is not None and last["side"] == "repeated":
        x = parts.repeated_over_time(K, side, x)
    pool = last["pool"]
    if pool in parts.FIXED_POOLINGS and x.shape[1] is None:
        pool = "average"
    for k, o in enumerate(draw["layers"]):
        final = k == len(draw["layers"]) - 1
        state = L.Dense(o["units"], "tanh")(side) if last["side"] == "state" and k == 0 else None
        before = x
        sequences = not final or pool is not None
        x = parts.recurrence(K, o, x, sequences=sequences, mask=mask, state=state)
        if not final:
            x, mask = parts.between(K, o, x, before, mask)
            if last["auxiliary"] and k == 0:
                outputs.append(L.Dense(2, activation="softmax", name="auxiliary")(x))
    if pool not in (None, "sequence"):
        x = parts.pooled(K, pool, last["glue"], x, mask)
    elif pool == "sequence":
        return [parts.head(K, last, x), *outputs]
    joined = [x]
    if side is not None and last["side"] == "joined":
        joined.append(L.Dense(3, activation="relu")(side))
    if last["second"]:
        other = K.Input((None, 2), name="other")
        inputs.append(other)
        joined.append(L.GRU(5)(other))
    if len(joined) > 1:
        x = L.Concatenate()(joined)
    return [parts.head(K, last, x), *outputs]

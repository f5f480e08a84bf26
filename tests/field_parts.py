"""The layers of `field_models`: blocks, recurrences, poolings over time, heads, decoders."""

from __future__ import annotations

from typing import Any

import numpy as np

from field_ops import glued, ops_of

VOCABULARY = 30
FORMS = {
    "image": ["reshape", "flatten", "full_height", "average", "time_first"],
    "spectrogram": ["reshape", "flatten"],
    "frames": ["flatten", "average", "windows", "conv_lstm", "reshaped"],
    "decoder": ["states", "repeat", "attention", "additive", "autoencoder"],
}
FIXED_POOLINGS = ["columns", "flatten"]
"""Need a declared length."""

POOLINGS = [
    "average",
    "max",
    "both",
    "last",
    "statistics",
    "scores",
    "scores",
    "tanh",
    "old",
    "attention",
    "additive",
    "heads",
    "query",
    "dot",
    "einsum",
    "transformer",
    *FIXED_POOLINGS,
]
HEADS = [
    None,
    "dense",
    "softmax",
    "softmax",
    "sigmoid",
    "ctc",
    "two",
    "unit",
    "l2",
    "cosine",
    "layer_norm",
    "batch_norm",
    "group_norm",
    "quantiles",
    "mixture",
    "distributed",
]


def block(K: Any, o: dict[str, Any], x: Any) -> Any:
    """One block of `field_models.conv_blocks`."""
    L = K.layers
    before = x
    options = {"padding": o["padding"], "strides": o["strides"]}
    same = o["padding"] != "valid" and o["strides"] == 1
    if o["op"] == "pool":
        kind = L.MaxPooling1D if o["pool"] == "max" else L.AveragePooling1D
        x = kind(o["size"], padding="same" if o["padding"] == "same" else "valid")(x)
    elif o["op"] == "pad":
        x = L.Conv1D(o["filters"], o["kernel"])(L.ZeroPadding1D(2)(x))
    elif o["op"] == "branches":
        x = L.Concatenate()(
            [
                L.Conv1D(3, k, padding="same", strides=o["strides"], activation="relu")(x)
                for k in (1, 3, 5)
            ]
        )
    elif o["op"] == "depthwise":
        padding = "same" if o["padding"] == "causal" else o["padding"]
        x = L.DepthwiseConv1D(o["kernel"], strides=o["strides"], padding=padding)(x)
    else:
        kind = L.SeparableConv1D if o["op"] == "separable" else L.Conv1D
        if o["op"] == "separable" and options["padding"] == "causal":
            options["padding"] = "same"
        x = kind(o["filters"], o["kernel"], dilation_rate=o["dilation"], **options)(x)
    if o["norm"]:
        x = normalization(K, o["norm"])(x)
    x = activation(K, o["activation"])(x)
    if o["residual"] and same and before.shape[-1] == x.shape[-1] and o["op"] != "pool":
        x = L.Add()([x, before]) if before.shape[1] == x.shape[1] and o["op"] != "pad" else x
    if o["dropout"]:
        x = {"plain": L.Dropout, "spatial": L.SpatialDropout1D, "noise": L.GaussianNoise}[
            o["dropout"]
        ](0.2)(x)
    return x


def activation(K: Any, name: str) -> Any:
    """An activation as a layer."""
    return K.layers.LeakyReLU() if name == "leaky_relu" else K.layers.Activation(name)


def normalization(K: Any, name: str) -> Any:
    """A normalization as a layer."""
    L = K.layers
    return {
        "batch": L.BatchNormalization,
        "layer": L.LayerNormalization,
        "group": lambda: L.GroupNormalization(1),
    }[name]()


def recurrence(
    K: Any, o: dict[str, Any], x: Any, *, sequences: bool, mask: Any = None, state: Any = None
) -> Any:
    """One recurrent layer over x (B, T, F)."""
    L = K.layers
    kwargs: dict[str, Any] = {"dropout": o["dropout"], "recurrent_dropout": o["recurrent_dropout"]}
    flow = {"return_sequences": sequences}
    single = o["merge"] is None
    if single:
        flow["go_backwards"] = o["backwards"]
    if o["cell"] == "LSTMCell":
        layer = L.RNN([L.LSTMCell(o["units"]), L.GRUCell(o["units"])], **flow)
    elif o["cell"] == "GRU":
        layer = L.GRU(o["units"], reset_after=o["reset_after"], **kwargs, **flow)
    else:
        layer = getattr(L, o["cell"])(o["units"], **kwargs, **flow)
    if not single:
        layer = L.Bidirectional(layer, merge_mode=o["merge"])
    call: dict[str, Any] = {}
    if mask is not None and o["cell"] != "LSTMCell":
        call["mask"] = mask
    if state is not None and single and o["cell"] in ("GRU", "SimpleRNN"):
        call["initial_state"] = [state]
    if state is not None and single and o["cell"] == "LSTM":
        call["initial_state"] = [state, state]
    return layer(x, **call)


def between(K: Any, o: dict[str, Any], x: Any, before: Any, mask: Any) -> tuple[Any, Any]:
    """What stands between two recurrences; the mask ends where the length changes."""
    L, kind = K.layers, o["between"]
    if kind == "conv":
        return L.Conv1D(8, 3, padding="valid", activation="relu")(x), None
    if kind == "pool":
        return L.MaxPooling1D(2)(x), None
    if kind == "residual":
        return L.LayerNormalization()(L.Add()([x, L.Dense(x.shape[-1])(before)])), mask
    if kind == "skip":
        return L.Concatenate()([x, before]), mask
    layer = {
        None: None,
        "norm": L.LayerNormalization,
        "batch": L.BatchNormalization,
        "dropout": lambda: L.Dropout(0.3),
        "dense": lambda: L.TimeDistributed(L.Dense(8, activation="relu")),
    }[kind]
    return (x if layer is None else layer()(x)), mask


def repeated_over_time(K: Any, side: Any, x: Any) -> Any:
    """A static input beside each time step of x."""
    ops = ops_of(K)

    def join(values: list[Any]) -> Any:
        rows, sequence = values
        zeros = ops.zeros_like(sequence[:, :, :1])
        return ops.concatenate([sequence, zeros + ops.expand_dims(rows, 1)], -1)

    return glued(K, "layer", lambda *v: join(list(v)), x, side, order=(1, 0))


def pooled(K: Any, kind: str, glue: str, x: Any, mask: Any) -> Any:
    """A vector (B, F) from a sequence x (B, T, F)."""
    L, ops = K.layers, ops_of(K)
    total = lambda v: ops.sum(v, axis=1)  # noqa: E731
    if kind in ("average", "max"):
        return {"average": L.GlobalAveragePooling1D, "max": L.GlobalMaxPooling1D}[kind]()(x)
    if kind == "both":
        return L.Concatenate()([L.GlobalAveragePooling1D()(x), L.GlobalMaxPooling1D()(x)])
    if kind == "last":
        return glued(K, glue, lambda v: v[:, -1], x)
    if kind == "statistics":
        return glued(K, glue, lambda v: _statistics(ops, v), x)
    if kind in ("scores", "dot", "einsum"):
        scores = L.Dense(1)(x)
        if mask is not None:
            scores = glued(K, "layer", lambda s, m: _masked(ops, s, m), scores, mask)
        weights = L.Softmax(axis=1)(scores)
        if kind == "dot":
            return L.Flatten()(L.Dot(axes=1)([weights, x]))
        if kind == "einsum":
            return glued(K, glue, lambda w, v: ops.einsum("bti,btf->bf", w, v), weights, x)
        return glued(K, glue, total, L.Multiply()([x, weights]))
    if kind == "tanh":
        return tanh_pooling(K)()(x, **({} if mask is None else {"mask": mask}))
    if kind == "old":
        weights = L.Activation("softmax")(L.Flatten()(L.Dense(1, activation="tanh")(x)))
        weights = L.Permute((2, 1))(L.RepeatVector(x.shape[-1])(weights))
        return glued(K, glue, total, L.Multiply()([x, weights]))
    if kind in ("attention", "additive"):
        layer = L.Attention() if kind == "attention" else L.AdditiveAttention()
        masks = {} if mask is None else {"mask": [mask, mask]}
        return L.GlobalAveragePooling1D()(layer([x, x], **masks))
    if kind in ("heads", "transformer"):
        y = L.MultiHeadAttention(2, 4)(x, x)
        if kind == "transformer":
            x = L.LayerNormalization()(L.Add()([x, y]))
            y = L.Dense(x.shape[-1])(L.Dense(12, activation="gelu")(x))
            y = L.LayerNormalization()(L.Add()([x, y]))
        return L.GlobalAveragePooling1D()(y)
    if kind == "query":
        query = glued(K, glue, lambda v: v[:, -1:], x)
        return L.Flatten()(L.Attention(use_scale=True)([query, x]))
    if kind == "columns":
        weights = L.Permute((2, 1))(L.Dense(x.shape[1], "softmax")(L.Permute((2, 1))(x)))
        return L.Flatten()(L.Multiply()([x, weights]))
    return L.Flatten()(x)


def _statistics(ops: Any, v: Any) -> Any:
    mean = ops.mean(v, axis=1, keepdims=True)
    variance = ops.mean(ops.square(v - mean), axis=1)
    return ops.concatenate([mean[:, 0], ops.sqrt(variance + 1e-6)], -1)


def _masked(ops: Any, scores: Any, mask: Any) -> Any:
    keep = ops.cast(ops.expand_dims(mask, -1), "float32")
    return scores + (1.0 - keep) * -1e9


def tanh_pooling(K: Any) -> type:
    """Additive attention over time, as it stands in many notebooks."""
    ops = ops_of(K)

    class TanhPooling(K.layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.supports_masking = True

        def build(self, shape: Any) -> None:
            n = shape[-1]
            self.w = self.add_weight(shape=(n, n), initializer="glorot_uniform", name="w")
            self.b = self.add_weight(shape=(n,), initializer="zeros", name="b")
            self.u = self.add_weight(shape=(n, 1), initializer="glorot_uniform", name="u")
            self.built = True

        def call(self, x: Any, mask: Any = None) -> Any:
            score = ops.tanh(ops.tensordot(x, self.w, 1) + self.b)
            weights = ops.exp(ops.squeeze(ops.tensordot(score, self.u, 1), -1))
            if mask is not None:
                weights = weights * ops.cast(mask, "float32")
            weights = weights / (ops.sum(weights, axis=1, keepdims=True) + 1e-7)
            return ops.sum(x * ops.expand_dims(weights, -1), axis=1)

        def compute_mask(self, x: Any, mask: Any = None) -> None:
            return None

    return TanhPooling


def head(K: Any, o: dict[str, Any], x: Any) -> Any:
    """The last layers, on (B, F) or on (B, T, F)."""
    L, ops = K.layers, ops_of(K)
    kind, glue, classes = o["layers"], o["glue"], o["classes"]
    if kind is None:
        return x
    if kind in ("dense", "softmax", "sigmoid"):
        return L.Dense(classes, activation={"dense": None}.get(kind, kind))(x)
    if kind == "ctc":
        return L.Dense(classes + 1, activation="softmax")(L.Dense(8, activation="relu")(x))
    if kind == "two":
        return L.Dense(1)(L.Dropout(0.5)(L.Dense(8, activation="relu")(x)))
    if kind == "unit":
        return L.UnitNormalization()(L.Dense(8)(x))
    if kind == "l2":
        return glued(K, glue, lambda v: ops.l2_normalize(v, -1), L.Dense(8)(x))
    if kind == "cosine":
        return L.Activation("softmax")(L.Dense(classes, use_bias=False)(L.UnitNormalization()(x)))
    if kind in ("layer_norm", "batch_norm", "group_norm"):
        if kind == "group_norm" and len(x.shape) == 2:
            kind = "layer_norm"
        y = L.Dense(8)(x)
        return L.Dense(classes, activation="softmax")(normalization(K, kind.split("_")[0])(y))
    if kind == "quantiles":
        y = L.Dense(classes)(x)
        return glued(K, glue, lambda v: ops.cumsum_of_softplus(v), y)
    if kind == "mixture":
        parts = [
            L.Dense(classes, activation="softmax")(x),
            L.Dense(classes)(x),
            L.Dense(classes, activation="exponential")(x),
        ]
        return L.Concatenate()(parts)
    if len(x.shape) == 3:
        return L.TimeDistributed(L.Dense(classes, activation="softmax"))(x)
    return L.Dense(classes, activation="tanh")(x)


def encoder_decoder(K: Any, draw: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Inputs and outputs of an encoder whose states or sequence a decoder takes."""
    L, form = K.layers, draw["form"]
    o = {**draw["layers"][0], "merge": None, "backwards": False}
    units = o["units"]
    signal = K.Input((draw["length"], draw["features"]), name="signal")
    x = L.Masking()(signal) if draw["mask"] == "layer" else signal
    for layer in draw["layers"][1:]:
        x = recurrence(K, layer, x, sequences=True)
    if form in ("repeat", "autoencoder"):
        vector = recurrence(K, o, x, sequences=False)
        times = 7 if form == "repeat" or draw["length"] is None else draw["length"]
        y = L.LSTM(units, return_sequences=True)(L.RepeatVector(times)(vector))
        return [signal], [L.TimeDistributed(L.Dense(draw["features"]))(y)]
    target = K.Input((None,), dtype="int32", name="target")
    sequence, *states = L.LSTM(units, return_sequences=True, return_state=True)(x)
    y = L.Embedding(VOCABULARY, 6, mask_zero=draw["mask"] is not None)(target)
    y = L.LSTM(units, return_sequences=True)(y, initial_state=states)
    if form in ("attention", "additive"):
        layer = L.Attention() if form == "attention" else L.AdditiveAttention()
        y = L.Concatenate()([y, layer([y, sequence])])
    return [signal, target], [L.Dense(9, activation="softmax")(y)]


def move_weights(model: Any, seed: int, *, trained: bool) -> None:
    """Noise on every weight, and statistics that normalizations could have seen."""
    rng = np.random.default_rng(seed)
    moved = []
    for variable, w in zip(model.weights, model.get_weights(), strict=True):
        name = getattr(variable, "path", variable.name)
        if "variance" in name:
            w = rng.uniform(0.5, 2.0, w.shape)
        elif "moving_mean" in name:
            w = 0.3 * rng.standard_normal(w.shape)
        elif w.dtype.kind == "f":
            noise = rng.standard_normal(w.shape)
            w = (1.5 * w if trained and w.ndim > 1 else w) + 0.05 * noise
        moved.append(w)
    model.set_weights(moved)

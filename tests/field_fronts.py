"""What stands before the recurrences of field models: signals, texts, images, spectrograms."""

from __future__ import annotations

from typing import Any

from field_ops import glued, ops_of
from field_parts import VOCABULARY, block


def front(K: Any, draw: dict[str, Any]) -> tuple[list[Any], Any, Any]:
    """Inputs, the sequence (B, T, F) that goes on, and an explicit mask (B, T) or None."""
    return {
        "signal": _signal,
        "text": _text,
        "tcn": _tcn,
        "image": _image,
        "spectrogram": _spectrogram,
        "frames": _frames,
    }[draw["family"]](K, draw)


def _signal(K: Any, draw: dict[str, Any]) -> tuple[list[Any], Any, Any]:
    L = K.layers
    x = K.Input((draw["length"], draw["features"]), name="signal")
    inputs, mask = [x], None
    if draw["mask"] == "layer":
        x = L.Masking()(x)
    if draw["mask"] == "explicit" and not draw["blocks"]:
        mask = K.Input((draw["length"],), dtype="bool", name="valid")
        inputs.append(mask)
    for o in draw["blocks"]:
        x = block(K, o, x)
    return inputs, x, mask


def _text(K: Any, draw: dict[str, Any]) -> tuple[list[Any], Any, Any]:
    L, ops = K.layers, ops_of(K)
    ids = K.Input((draw["length"],), dtype="int32", name="ids")
    inputs, mask = [ids], None
    x = L.Embedding(VOCABULARY, 8, mask_zero=draw["mask"] == "layer")(ids)
    if draw["positions"]:
        add = lambda v: v + ops.arange_like(v)  # noqa: E731
        x = glued(K, draw["head"]["glue"], add, x)
    x = L.SpatialDropout1D(0.2)(x)
    if draw["mask"] == "explicit" and not draw["blocks"]:
        mask = glued(K, draw["head"]["glue"], lambda v: ops.not_equal(v, 0), ids)
    for o in draw["blocks"]:
        x = block(K, o, x)
    return inputs, x, mask


def _tcn(K: Any, draw: dict[str, Any]) -> tuple[list[Any], Any, Any]:
    """WaveNet's blocks: dilated causal convolutions, gates, residuals, skips."""
    L = K.layers
    signal = K.Input((draw["length"], draw["features"]), name="signal")
    x = L.Conv1D(8, 1)(signal)
    skips = []
    for d in draw["dilations"]:
        y = L.Conv1D(8, 2, dilation_rate=d, padding="causal", activation="tanh")(x)
        if draw["gated"]:
            g = L.Conv1D(8, 2, dilation_rate=d, padding="causal", activation="sigmoid")(x)
            y = L.Multiply()([y, g])
        y = L.Conv1D(8, 1)(y)
        skips.append(y)
        x = L.Add()([x, y])
    if draw["skips"]:
        x = L.Activation("relu")(L.Add()(skips))
    return [signal], x, None


def _pool_2d(K: Any, draw: dict[str, Any], x: Any, *, distributed: bool = False) -> Any:
    """Convolutions and poolings of two dimensions, as long as the declared axes last."""
    L = K.layers
    wrap = L.TimeDistributed if distributed else lambda layer: layer
    for k, p in enumerate(draw["pools"]):
        if draw["depthwise"] and k:
            x = wrap(L.SeparableConv2D(4, 3, padding="same", activation="relu"))(x)
        else:
            x = wrap(L.Conv2D(4, draw["kernel"], padding="same", activation="relu"))(x)
        if draw["norm"]:
            x = wrap(L.BatchNormalization())(x)
        sizes = x.shape[2:4] if distributed else x.shape[1:3]
        p = (p, p) if isinstance(p, int) else p
        if all(s is None or s >= q for s, q in zip(sizes, p, strict=True)):
            x = wrap(L.MaxPooling2D(p) if k != 2 else L.AveragePooling2D(p))(x)
    return x


def _image(K: Any, draw: dict[str, Any]) -> tuple[list[Any], Any, Any]:
    """Text lines: a declared height, a width that is time."""
    L, ops = K.layers, ops_of(K)
    form = draw["form"]
    if form == "time_first":
        image = K.Input((draw["length"], 16, 1), name="image")
        x = _pool_2d(K, draw, image)
        return [image], L.Reshape((x.shape[1] or -1, x.shape[2] * x.shape[3]))(x), None
    image = K.Input((16, draw["length"], 1), name="image")
    x = _pool_2d(K, draw, image)
    if form == "full_height":
        x = L.Conv2D(8, (x.shape[1], 1), activation="relu")(x)
        return [image], glued(K, draw["head"]["glue"], lambda v: v[:, 0], x), None
    if form == "average":
        return [image], glued(K, draw["head"]["glue"], lambda v: ops.mean(v, axis=1), x), None
    x = L.Permute((2, 1, 3))(x)
    if form == "flatten":
        return [image], L.TimeDistributed(L.Flatten())(x), None
    return [image], L.Reshape((x.shape[1] or -1, x.shape[2] * x.shape[3]))(x), None


def _spectrogram(K: Any, draw: dict[str, Any]) -> tuple[list[Any], Any, Any]:
    """Deep Speech 2: strided convolutions over time and frequency."""
    L, ops = K.layers, ops_of(K)
    signal = K.Input((draw["length"], 12), name="signal")
    x = glued(K, draw["head"]["glue"], lambda v: ops.expand_dims(v, -1), signal)
    strides = draw["pools"][0]
    x = L.Conv2D(4, (5, 3), strides=strides, padding="same", use_bias=False)(x)
    x = L.ReLU(6.0)(L.BatchNormalization()(x))
    x = L.Conv2D(4, 3, padding="valid", activation="relu")(x)
    if draw["form"] == "flatten":
        return [signal], L.TimeDistributed(L.Flatten())(x), None
    return [signal], L.Reshape((-1, x.shape[2] * x.shape[3]))(x), None


def _frames(K: Any, draw: dict[str, Any]) -> tuple[list[Any], Any, Any]:
    L = K.layers
    form = draw["form"]
    if form == "windows":
        frames = K.Input((draw["length"], 20, 2), name="frames")
        x = L.TimeDistributed(L.Conv1D(6, 3, activation="relu"))(frames)
        x = L.TimeDistributed(L.MaxPooling1D(2))(x)
        return [frames], L.TimeDistributed(L.Flatten())(x), None
    if form == "reshaped":
        signal = K.Input((60, draw["features"]), name="signal")
        x = L.Reshape((6, 10, draw["features"]))(signal)
        x = L.TimeDistributed(L.Conv1D(6, 3, activation="relu"))(x)
        return [signal], L.TimeDistributed(L.Flatten())(x), None
    frames = K.Input((draw["length"], 8, 8, 1), name="frames")
    if form == "conv_lstm":
        x = L.ConvLSTM2D(3, 3, padding="same", return_sequences=True)(frames)
        return [frames], L.TimeDistributed(L.Flatten())(x), None
    x = _pool_2d(K, draw, frames, distributed=True)
    last = L.Flatten() if form == "flatten" else L.GlobalAveragePooling2D()
    return [frames], L.TimeDistributed(last)(x), None

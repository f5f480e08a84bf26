"""The files of the matrix: models of every kind in every mode, with what they are to compute.

What enters: a folder. What leaves: for each case a LiteRT file, and an .npz with inputs at mixed
lengths and the outputs that this process' own runtime gives without delegates, by a fresh
interpreter each.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import rnnlite
from runtimes import signatures
from runtimes.case import FEATURES, IDS, MODES, TOLERANCES, Case, sample, stack

__all__ = ["CASES", "MODES", "Case", "expected", "make"]


def _ids(*layers: Callable[[Any], Any], mask: bool = False) -> Any:
    def build(keras: Any) -> Any:
        keras.utils.set_random_seed(7)
        x = keras.Input((None,), name="x", dtype="int32")
        table = keras.layers.Embedding(IDS, 16, mask_zero=mask)
        return keras.Sequential([x, table, *[layer(keras.layers) for layer in layers]])

    return build


def _exits(keras: Any) -> Any:
    keras.utils.set_random_seed(7)
    x = keras.Input((None, FEATURES), name="x")
    sequence = keras.layers.Bidirectional(keras.layers.LSTM(8, return_sequences=True))(x)
    tags = keras.layers.Dense(4, activation="softmax", name="tags")(sequence)
    return keras.Model(x, [tags, keras.layers.GRU(9, name="label")(sequence)])


def _attention(keras: Any) -> Any:
    keras.utils.set_random_seed(7)
    x = keras.Input((None, FEATURES), name="x")
    h = keras.layers.GRU(16, return_sequences=True)(x)
    scores = keras.layers.Softmax(axis=1)(keras.layers.Dense(1)(h))
    return keras.Model(x, keras.ops.sum(scores * h, axis=1))


def _crnn(keras: Any) -> Any:
    keras.utils.set_random_seed(7)
    x = keras.Input((None, 8, 1), name="x")
    h = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    h = keras.layers.MaxPooling2D((1, 2))(h)
    h = keras.layers.TimeDistributed(keras.layers.Flatten())(h)
    h = keras.layers.Bidirectional(keras.layers.LSTM(12, return_sequences=True))(h)
    return keras.Model(x, keras.layers.Dense(5, activation="softmax")(h))


CASES: tuple[Case, ...] = (
    Case("lstm", stack(lambda k: k.LSTM(16))),
    Case("lstm sequence", stack(lambda k: k.LSTM(16, return_sequences=True))),
    Case("gru 40, dense", stack(lambda k: k.GRU(40), lambda k: k.Dense(5, activation="softmax"))),
    Case("gru sequence", stack(lambda k: k.GRU(32, return_sequences=True))),
    Case("simple", stack(lambda k: k.SimpleRNN(12))),
    Case(
        "bidirectional sequence",
        stack(
            lambda k: k.Bidirectional(k.GRU(12, return_sequences=True)),
            lambda k: k.TimeDistributed(k.Dense(4)),
        ),
    ),
    Case(
        "stacked",
        stack(
            lambda k: k.LSTM(12, return_sequences=True),
            lambda k: k.LayerNormalization(),
            lambda k: k.GRU(8),
        ),
    ),
    Case("masked lstm", stack(lambda k: k.Masking(), lambda k: k.LSTM(16)), masked=True),
    Case(
        "masked sequence",
        stack(lambda k: k.Masking(), lambda k: k.GRU(16, return_sequences=True)),
        masked=True,
    ),
    Case("embedding", _ids(lambda k: k.LSTM(16), lambda k: k.Dense(3)), ids=True),
    Case(
        "embedding, masked",
        _ids(lambda k: k.Bidirectional(k.GRU(12)), mask=True),
        ids=True,
        masked=True,
    ),
    Case("exits", _exits),
    Case(
        "conv",
        stack(
            lambda k: k.Conv1D(8, 3, padding="same", activation="relu"),
            lambda k: k.LSTM(12),
        ),
    ),
    Case(
        "separable conv",
        stack(
            lambda k: k.SeparableConv1D(8, 3, padding="same", activation="relu"),
            lambda k: k.DepthwiseConv1D(3, padding="same"),
            lambda k: k.GRU(12),
        ),
    ),
    Case("crnn", _crnn, shape=(8, 1)),
    Case("attention", _attention),
    Case(
        "convlstm",
        stack(lambda k: k.ConvLSTM1D(3, 3, return_sequences=True), shape=(8, 2)),
        shape=(8, 2),
        lengths=(17, 1, 64, 5, 100, 17),
    ),
    Case(
        "convlstm, padded",
        stack(lambda k: k.ConvLSTM2D(3, 3, padding="same"), shape=(6, 6, 2)),
        shape=(6, 6, 2),
        lengths=(17, 1, 64, 5, 30, 17),
    ),
    Case("free batch", stack(lambda k: k.LSTM(16)), options={"batch_size": None}),
    Case(
        "free batch, sequence",
        stack(lambda k: k.GRU(16, return_sequences=True)),
        options={"batch_size": None},
    ),
    Case(
        "free batch, masked",
        stack(lambda k: k.Masking(), lambda k: k.LSTM(16, return_sequences=True)),
        masked=True,
        options={"batch_size": None},
    ),
    Case(
        "free batch, averaged",
        stack(
            lambda k: k.Dense(40, activation="relu"),
            lambda k: k.Bidirectional(k.GRU(24, return_sequences=True)),
            lambda k: k.Dense(40, activation="tanh"),
            lambda k: k.GlobalAveragePooling1D(),
            lambda k: k.Dense(4),
        ),
        options={"batch_size": None},
    ),
    Case(
        "in chunks",
        stack(lambda k: k.LSTM(16, return_sequences=True)),
        options={"schedule": {"variables": 0}},
    ),
    *signatures.CASES,
)


def _move_biases(model: Any, rng: Any) -> None:
    """Zeros hide how a runtime reads them: biases are as training leaves them."""
    for weight in getattr(model, "weights", ()):
        if not np.any(np.asarray(weight)):
            weight.assign(rng.uniform(-0.3, 0.3, weight.shape).astype(np.float32))


def make(case: Case, mode: str, folder: Path) -> dict[str, Any]:
    """Convert a case in a mode; gives the job for `runner`, but for `delegates`.

    Raises:
        RnnliteError: it cannot be converted.
    """
    import keras

    model = case.build(keras)
    rng = np.random.default_rng(3)
    _move_biases(model, rng)
    options = dict(case.options or {})
    if mode != "float32":
        options["quantize"] = mode
    if mode in ("int8", "int16x8"):
        fixed = options.get("sequence_length")
        lengths = (fixed,) * 4 if fixed else (5, 17, 30, 64)
        options["calibration"] = (
            case.calibration(rng)
            if case.calibration
            else [sample(case, t, rng) for t in lengths * 6]
        )
    data = rnnlite.convert(model, verify=False, **options).tflite
    stem = f"{case.name}-{mode}".replace(" ", "_").replace(",", "")
    path = folder / f"{stem}.tflite"
    path.write_bytes(data)
    samples = folder / f"{stem}.npz"
    np.savez(samples, **expected(case, data, rng))
    return {
        "name": case.name,
        "mode": mode,
        "model": str(path),
        "samples": str(samples),
        "tolerance": TOLERANCES[mode],
    }


def expected(case: Case, data: bytes, rng: Any, *, delegates: bool = False) -> dict[str, Any]:
    """Inputs and outputs of each run here, with raw integers at integer borders."""
    if case.plan is not None:
        return signatures.expected(case, data, rng, delegates=delegates)
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    resolver = OpResolverType.AUTO if delegates else plain
    batch_size = (case.options or {}).get("batch_size", 1)
    arrays: dict[str, Any] = {}
    for k, length in enumerate(case.lengths):
        # A fresh interpreter each: nothing is left from another length.
        interpreter = Interpreter(model_content=data, experimental_op_resolver_type=resolver)
        (entry,) = interpreter.get_input_details()
        batch = 1 if batch_size is not None else 1 + k % 3
        x = np.stack([sample(case, length, rng) for _ in range(batch)])
        scale, zero_point = entry["quantization"]
        if scale:
            limits = np.iinfo(entry["dtype"])
            x = np.clip(np.round(x / scale) + zero_point, limits.min, limits.max).astype(
                entry["dtype"]
            )
        interpreter.resize_tensor_input(entry["index"], x.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(entry["index"], x)
        interpreter.invoke()
        arrays[f"in/{k}/{entry['name']}"] = x
        for number, found in enumerate(interpreter.get_output_details()):
            arrays[f"out/{k}/{number}"] = interpreter.get_tensor(found["index"])
    return arrays

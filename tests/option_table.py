"""The option table: a Hypothesis strategy over recurrent models of both Keras flavours.

Each draw is a dictionary of plain values: a failing case prints as it is and can be rebuilt.
`build` makes the model of a draw.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NOISE = 0.2
"""What every weight is moved by: biases start at zero."""

ACTIVATIONS = [
    "tanh",
    "relu",
    "sigmoid",
    "linear",
    "elu",
    "softsign",
    "hard_sigmoid",
    "softmax",
    "swish",
]
GATES = ["sigmoid", "hard_sigmoid", "tanh", "softmax"]
MERGES = ["concat", "sum", "ave", "mul"]
CELLS = ["LSTM", "GRU", "SimpleRNN"]


@st.composite
def recurrent_layers(draw: st.DrawFn) -> dict[str, Any]:
    """One recurrent layer with all its options."""
    kind = draw(st.sampled_from([*CELLS, "cell", "stack", "custom"]))
    options: dict[str, Any] = {
        "kind": kind,
        "units": draw(st.integers(1, 9)),
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "recurrent_activation": draw(st.sampled_from(GATES)),
        "activation_form": draw(st.sampled_from(["string", "string", "callable", "layer"])),
        "use_bias": draw(st.booleans()),
        "go_backwards": draw(st.booleans()),
        "unroll": draw(st.integers(0, 4)) == 0,
        "reset_after": draw(st.booleans()),
        "implementation": draw(st.sampled_from([1, 2])),
        "dropout": draw(st.sampled_from([0.0, 0.0, 0.3])),
        "recurrent_dropout": draw(st.sampled_from([0.0, 0.0, 0.2])),
        "zero_output_for_mask": draw(st.booleans()),
        "bidirectional": draw(st.sampled_from([None, None, *MERGES])),
        "initial_state": draw(st.sampled_from(["zero", "zero", "zero", "computed"])),
    }
    if kind in ("cell", "stack"):
        options["cells"] = draw(
            st.lists(st.sampled_from(CELLS), min_size=1, max_size=1 if kind == "cell" else 3)
        )
    return options


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    """A whole model: input, mask, one to three recurrences, head."""
    mask = draw(st.sampled_from([None, None, "masking", "embedding", "explicit"]))
    fixed = draw(st.booleans())
    return {
        "seed": draw(st.integers(0, 10_000)),
        "form": draw(
            st.sampled_from(["functional", "functional", "sequential", "subclassed", "nested"])
        ),
        "mask": mask,
        "features": draw(st.integers(1, 6)),
        "length": draw(st.integers(2, 12)) if fixed else None,
        "pre": draw(st.sampled_from([None, None, "conv", "dense", "norm", "distributed"])),
        "layers": draw(st.lists(recurrent_layers(), min_size=1, max_size=2)),
        "last_sequences": draw(st.booleans()),
        "return_state": draw(st.booleans()),
        "stateful": draw(st.integers(0, 5)) == 0,
        "head": draw(st.sampled_from([None, "dense", "pool", "distributed", "attention"])),
        "exits": draw(st.booleans()),
    }


@st.composite
def conv_models(draw: st.DrawFn) -> dict[str, Any]:
    """A ConvLSTM of one to three spatial dimensions."""
    return {
        "seed": draw(st.integers(0, 10_000)),
        "rank": draw(st.sampled_from([1, 2, 2, 3])),
        "filters": draw(st.integers(1, 4)),
        "kernel_size": draw(st.integers(1, 3)),
        "strides": draw(st.sampled_from([1, 1, 2])),
        "padding": draw(st.sampled_from(["same", "valid"])),
        "activation": draw(st.sampled_from(["tanh", "relu"])),
        "recurrent_activation": draw(st.sampled_from(["sigmoid", "hard_sigmoid"])),
        "use_bias": draw(st.booleans()),
        "go_backwards": draw(st.booleans()),
        "return_sequences": draw(st.booleans()),
        "return_state": draw(st.booleans()),
        "bidirectional": draw(st.sampled_from([None, None, "concat", "sum"])),
        "length": draw(st.sampled_from([None, 4])),
    }


def custom_cell(K: Any) -> type:
    """A cell that no library knows: two states, one of them a delayed copy of the other."""
    flavour = "tf_keras" if K.__name__ == "tf_keras" else "keras"
    ops = __import__("tensorflow") if flavour == "tf_keras" else K.ops
    matmul = ops.linalg.matmul if flavour == "tf_keras" else ops.matmul

    class DelayCell(K.layers.Layer):
        """h' = tanh(x W + h U + 0.5 d); d' = h."""

        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = units
            self.state_size = [units, units]
            self.output_size = units

        def build(self, shape: Any) -> None:
            self.w = self.add_weight(
                shape=(shape[-1], self.units), initializer="glorot_uniform", name="w"
            )
            self.u = self.add_weight(
                shape=(self.units, self.units), initializer="orthogonal", name="u"
            )
            self.built = True

        def call(self, inputs: Any, states: Any) -> Any:
            h, delayed = states
            new = ops.tanh(matmul(inputs, self.w) + matmul(h, self.u) + 0.5 * delayed)
            return new, [new, h]

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    DelayCell.__module__ = "option_table"
    return DelayCell


def _activation(K: Any, name: str, form: str) -> Any:
    if form == "callable":
        return getattr(K.activations, name)
    if form == "layer" and K.__name__ == "keras":
        return K.layers.Activation(name)
    return name


def _cell(K: Any, kind: str, o: dict[str, Any]) -> Any:
    kwargs: dict[str, Any] = {
        "activation": _activation(K, o["activation"], o["activation_form"]),
        "use_bias": o["use_bias"],
        "dropout": o["dropout"],
        "recurrent_dropout": o["recurrent_dropout"],
    }
    if kind != "SimpleRNN":
        kwargs["recurrent_activation"] = _activation(
            K, o["recurrent_activation"], o["activation_form"]
        )
        kwargs["implementation"] = o["implementation"]
    if kind == "GRU":
        kwargs["reset_after"] = o["reset_after"]
    return kwargs


def recurrent_layer(
    K: Any, o: dict[str, Any], *, sequences: bool, state: bool, stateful: bool, cell_class: type
) -> Any:
    """The Keras layer of one drawn recurrence."""
    L = K.layers
    common: dict[str, Any] = {
        "return_sequences": sequences,
        "return_state": state,
        "go_backwards": o["go_backwards"],
        "unroll": o["unroll"],
        "stateful": stateful,
    }
    if o["kind"] in CELLS:
        kwargs = {**_cell(K, o["kind"], o), **common}
        if o["zero_output_for_mask"] and K.__name__ == "tf_keras":
            kwargs["zero_output_for_mask"] = True
        layer = getattr(L, o["kind"])(o["units"], **kwargs)
        if o["zero_output_for_mask"]:
            layer.zero_output_for_mask = True
    else:
        if o["kind"] == "custom":
            cell: Any = cell_class(o["units"])
        else:
            cells = [getattr(L, f"{k}Cell")(o["units"], **_cell(K, k, o)) for k in o["cells"]]
            cell = cells[0] if o["kind"] == "cell" else cells
        layer = L.RNN(cell, zero_output_for_mask=o["zero_output_for_mask"], **common)
    if o["bidirectional"] and not stateful and not o["go_backwards"]:
        layer = L.Bidirectional(layer, merge_mode=o["bidirectional"])
    return layer


def build(K: Any, draw: dict[str, Any], cell_class: type | None = None) -> Any:
    """The model of a draw of `models`, in the package K (keras or tf_keras), weights random."""
    K.utils.set_random_seed(draw["seed"])
    cell_class = cell_class or custom_cell(K)
    unrolled = any(o["unroll"] for o in draw["layers"])
    length = draw["length"] or (7 if unrolled else None)
    form = draw["form"]
    stateful = draw["stateful"] and form == "functional"
    batch = 2 if stateful else None
    ids = draw["mask"] == "embedding"
    shape = (length,) if ids else (length, draw["features"])
    dtype = "int32" if ids else "float32"
    body = _body(K, draw, stateful, cell_class)
    if form == "sequential" and draw["mask"] != "explicit":
        layers = _sequential(K, draw, cell_class)
        model = K.Sequential([_input(K, shape, dtype, None), *layers])
    elif form == "subclassed" and draw["mask"] != "explicit":
        model = _subclassed(K, body)
        batch_shape = (2, length or 5) if ids else (2, length or 5, draw["features"])
        model(
            K.ops.zeros(batch_shape, dtype)
            if hasattr(K, "ops")
            else __import__("tensorflow").zeros(batch_shape, dtype)
        )
    else:
        x = _input(K, shape, dtype, batch, tensor=True, name="sequence")
        inputs = [x]
        mask = None
        if draw["mask"] == "explicit":
            mask = _input(K, (length,), "bool", batch, tensor=True, name="valid")
            inputs.append(mask)
        outputs = body(x, mask)
        model = K.Model(inputs, outputs)
        if form == "nested":
            fresh = [_input(K, tuple(i.shape[1:]), _dtype(i), batch, tensor=True) for i in inputs]
            model = K.Model(fresh, model(fresh if len(fresh) > 1 else fresh[0]))
    _randomise(model, draw["seed"])
    return model


def _dtype(x: Any) -> str:
    return getattr(x.dtype, "name", x.dtype)


def _input(
    K: Any, shape: Any, dtype: str, batch: int | None, tensor: bool = False, name: str | None = None
) -> Any:
    if K.__name__ == "keras" or tensor:
        if K.__name__ == "keras":
            return K.Input(batch_shape=(batch, *shape), dtype=dtype, name=name)
        return K.Input(shape, batch_size=batch, dtype=dtype, name=name)
    return K.layers.InputLayer(shape, dtype=dtype)


def _sequential(K: Any, draw: dict[str, Any], cell_class: type) -> list[Any]:
    layers = _pre(K, draw)
    count = len(draw["layers"])
    for k, o in enumerate(draw["layers"]):
        sequences = draw["last_sequences"] or k < count - 1
        layers.append(
            recurrent_layer(
                K, o, sequences=sequences, state=False, stateful=False, cell_class=cell_class
            )
        )
    if draw["head"] == "dense":
        layers.append(K.layers.Dense(3, activation="softmax"))
    return layers


def _pre(K: Any, draw: dict[str, Any]) -> list[Any]:
    L = K.layers
    layers: list[Any] = []
    if draw["mask"] == "embedding":
        layers.append(L.Embedding(11, draw["features"], mask_zero=True))
    if draw["mask"] == "masking":
        layers.append(L.Masking())
    if draw["mask"] is None and draw["pre"]:
        layers.append(
            {
                "conv": lambda: L.Conv1D(4, 3, padding="same", activation="relu"),
                "dense": lambda: L.Dense(4),
                "norm": lambda: L.LayerNormalization(),
                "distributed": lambda: L.TimeDistributed(L.Dense(3)),
            }[draw["pre"]]()
        )
    return layers


def _body(K: Any, draw: dict[str, Any], stateful: bool, cell_class: type) -> Any:
    L = K.layers
    pre = _pre(K, draw)
    count = len(draw["layers"])
    recurrences = []
    for k, o in enumerate(draw["layers"]):
        last = k == count - 1
        recurrences.append(
            recurrent_layer(
                K,
                o,
                sequences=draw["last_sequences"] or not last,
                state=draw["return_state"] and last,
                stateful=stateful,
                cell_class=cell_class,
            )
        )
    computed = [
        L.Dense(o["units"], activation="tanh", name=f"initial_{k}")
        if o["initial_state"] == "computed"
        and o["kind"] in ("GRU", "SimpleRNN")
        and not o["bidirectional"]
        else None
        for k, o in enumerate(draw["layers"])
    ]
    pool = L.GlobalAveragePooling1D()
    head = L.Dense(3, activation="softmax", name="head")
    exit_head = L.Dense(2, name="exit")
    distributed = L.TimeDistributed(L.Dense(2, activation="relu"))
    attention = L.MultiHeadAttention(2, 3) if draw["head"] == "attention" else None

    def body(x: Any, mask: Any = None) -> Any:
        for layer in pre:
            x = layer(x)
        states: list[Any] = []
        exits = []
        for layer, dense in zip(recurrences, computed, strict=True):
            kwargs: dict[str, Any] = {"mask": mask} if mask is not None else {}
            if dense is not None:
                kwargs["initial_state"] = [dense(x[:, 0])]
            result = layer(x, **kwargs)
            if isinstance(result, (list, tuple)):
                x, states = result[0], list(result[1:])
            else:
                x = result
            exits.append(x)
        final_sequence = draw["last_sequences"]
        if draw["head"] == "dense":
            x = head(x)
        elif draw["head"] == "pool" and final_sequence:
            x = pool(x)
        elif draw["head"] == "distributed" and final_sequence:
            x = distributed(x)
        elif attention is not None and final_sequence:
            x = attention(x, x)
        flat = [
            s for group in states for s in (group if isinstance(group, (list, tuple)) else [group])
        ]
        outputs = [x, *flat]
        if draw["exits"]:
            outputs.append(exit_head(exits[0]))
        return outputs[0] if len(outputs) == 1 else outputs

    parts = [*pre, *recurrences, *computed, pool, head, exit_head, distributed, attention]
    body.layers = [part for part in parts if part is not None]  # type: ignore[attr-defined]
    return body


def _subclassed(K: Any, body: Any) -> Any:
    class Subclassed(K.Model):
        def __init__(self) -> None:
            super().__init__()
            self.parts = body.layers

        def call(self, x: Any) -> Any:
            return body(x)

    return Subclassed()


def build_conv(K: Any, draw: dict[str, Any]) -> Any:
    """The model of a draw of `conv_models`."""
    K.utils.set_random_seed(draw["seed"])
    L = K.layers
    layer = getattr(L, f"ConvLSTM{draw['rank']}D")(
        draw["filters"],
        draw["kernel_size"],
        strides=draw["strides"],
        padding=draw["padding"],
        activation=draw["activation"],
        recurrent_activation=draw["recurrent_activation"],
        use_bias=draw["use_bias"],
        go_backwards=draw["go_backwards"] and not draw["bidirectional"],
        return_sequences=draw["return_sequences"],
        return_state=draw["return_state"] and not draw["bidirectional"],
    )
    if draw["bidirectional"]:
        layer = L.Bidirectional(layer, merge_mode=draw["bidirectional"])
    x = _input(K, (draw["length"], *[5] * draw["rank"], 2), "float32", None, tensor=True)
    model = K.Model(x, layer(x))
    _randomise(model, draw["seed"])
    return model


def _randomise(model: Any, seed: int) -> None:
    """Biases start at zero; give every weight a value that matters."""
    import numpy as np

    rng = np.random.default_rng(seed)
    model.set_weights(
        [
            w + NOISE * rng.standard_normal(w.shape).astype(w.dtype)
            if w.dtype.kind == "f" and w.size
            else w
            for w in model.get_weights()
        ]
    )

"""Small LiteRT files built op by op, with what rnnlite writes into them: nothing is converted."""

import numpy as np

from graphs import Model
from rnnlite.lite.ir import Quantization, Signature
from rnnlite.lite.record import EXITS, GUARDED, SIGNATURES, set_record
from rnnlite.streaming.layout import (
    RECORD,
    SIGNATURE,
    Layout,
    StreamInput,
    StreamOutput,
    StreamState,
)
from rnnlite.streaming.rows import Rows


def doubled(batch=1, *, guarded=False, width=3):
    """y = x + x, x (batch, any, width); -1: any batch."""
    model = Model()
    x, y = (model.main.tensor((batch, -1, width), name=n) for n in ("x", "y"))
    model.main.add("ADD", [x, x], [y], "AddOptions")
    model.main.ends([x], [y])
    set_record(model.ir, {GUARDED: guarded})
    return model.bytes()


def pair(batch=1):
    """total = x + z and twice = x + x, of x and z (batch, any, 2): two inputs, two outputs."""
    model = Model()
    x, z, total, twice = (
        model.main.tensor((batch, -1, 2), name=n) for n in ("x", "z", "total", "twice")
    )
    model.main.add("ADD", [x, z], [total], "AddOptions")
    model.main.add("ADD", [x, x], [twice], "AddOptions")
    model.main.ends([x, z], [total, twice])
    return model.bytes()


def integers():
    """y = x, both int8 with parameters of their own (0.5, 3) and (0.25, -8); x (1, any, 2)."""
    model = Model()
    x = model.main.tensor((1, -1, 2), "int8", "x", Quantization((0.5,), (3,)))
    y = model.main.tensor((1, -1, 2), "int8", "y", Quantization((0.25,), (-8,)))
    model.main.add("QUANTIZE", [x], [y])
    model.main.ends([x], [y])
    return model.bytes()


def _signature(key, graph, inputs, outputs):
    return Signature(
        key, graph.ir, tuple((v.name, v) for v in inputs), tuple((v.name, v) for v in outputs)
    )


def two():
    """Signatures "first", x + x, and "second", x * 3, of x (1, any, 2)."""
    model = Model()
    signatures = []
    for key, graph in (("first", model.main), ("second", model.graph())):
        x, y = graph.tensor((1, -1, 2), name="x"), graph.tensor((1, -1, 2), name=f"of_{key}")
        if key == "first":
            graph.add("ADD", [x, x], [y], "AddOptions")
        else:
            graph.add("MUL", [x, graph.constant(3.0)], [y], "MulOptions")
        graph.ends([x], [y])
        signatures.append(_signature(key, graph, [x], [y]))
    model.ir.signatures = signatures
    return model


def exits():
    """scores early = x, late = x * 2, by exits: the second reads what the first left over, x * 4.

    x is (1, 3). Whole, it gives both; "exit/early" gives early and `rest`, "exit/late" half of
    `rest`.
    """
    model = Model()

    def graph(key, own, given, ops):
        x = own.tensor((1, 3), name=given)
        found = []
        for name, factor in ops:
            y = own.tensor((1, 3), name=name)
            own.add("MUL", [x, own.constant(factor)], [y], "MulOptions")
            found.append(y)
        own.ends([x], found)
        return _signature(key, own, [x], found)

    model.ir.signatures = [
        graph("serving_default", model.main, "x", [("early", 1.0), ("late", 2.0)]),
        graph("exit/early", model.graph(), "x", [("early", 1.0), ("rest", 4.0)]),
        graph("exit/late", model.graph(), "rest", [("late", 0.5)]),
    ]
    said = [
        {"output": "early", "signature": "exit/early", "inputs": ["x"], "ops": 2},
        {"output": "late", "signature": "exit/late", "inputs": ["rest"], "ops": 1},
    ]
    for one, outputs in zip(said, (["early", "rest"], ["late"]), strict=True):
        one["outputs"] = outputs
    set_record(model.ir, {EXITS: said})
    return model.bytes()


LAYOUT = Layout(
    chunk=1,
    multiple=1,
    longest=1,
    tail=False,
    inputs=(StreamInput("x", 1),),
    outputs=(StreamOutput("sums", Rows(1), so_far=False),),
    states=(StreamState("state/sum/h", 0.0, None),),
)


def summing():
    """Running sums of x (1, any, 2); "stream" takes one step and the sum so far."""
    model = Model()
    x, sums = (model.main.tensor((1, -1, 2), name=n) for n in ("x", "sums"))
    model.main.add("CUMSUM", [x, model.main.constant(1, "int32")], [sums], "CumsumOptions")
    model.main.ends([x], [sums])
    own = model.graph()
    step, h = own.tensor((1, 1, 2), name="x"), own.tensor((1, 1, 2), name="state/sum/h")
    y, after = own.tensor((1, 1, 2), name="sums"), own.tensor((1, 1, 2), name="after")
    own.add("ADD", [step, h], [y], "AddOptions")
    own.add("ADD", [step, h], [after], "AddOptions")
    own.ends([step, h], [y, after])
    model.ir.signatures = [
        _signature("serving_default", model.main, [x], [sums]),
        Signature(
            SIGNATURE,
            own.ir,
            (("x", step), ("state/sum/h", h)),
            (("sums", y), ("state/sum/h", after)),
        ),
    ]
    set_record(model.ir, {SIGNATURES: {SIGNATURE: {RECORD: LAYOUT.to_dict()}}})
    return model.bytes()


def rows(length, width=3, batch=1):
    """(batch, length, width) numbers, all different."""
    return np.arange(batch * length * width, dtype=np.float32).reshape(batch, length, width)

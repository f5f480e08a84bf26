"""Forms of ops that compute: see `forms`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from runtimes.formats import ALL, NUMBERS, REALS, C, Form, S, X


def computing() -> Iterator[Form]:
    """Ops that compute."""
    for op, types in (
        ("ADD", NUMBERS),
        ("SUB", NUMBERS),
        ("MUL", NUMBERS),
        ("DIV", NUMBERS),
        ("MAXIMUM", NUMBERS),
        ("MINIMUM", NUMBERS),
        ("SQUARED_DIFFERENCE", "float32 int8 int32"),
        ("FLOOR_DIV", "float32 int32"),
        ("FLOOR_MOD", "float32 int32"),
        ("POW", "float32 int32"),
    ):
        table = "MaximumMinimumOptions" if op.endswith("IMUM") else ""
        same = op.endswith("IMUM")
        options = {"potScaleInt16": False} if op in ("ADD", "SUB") else {}
        for note, shapes in (
            ("", (S, S)),
            ("broadcast", (S, (3, 1))),
            ("5", ((2, 1, *S), (1, 2, 1, 3, 1))),
        ):
            first, second = (X(s, positive=k == 1 or op == "POW") for k, s in enumerate(shapes))
            yield Form(
                op,
                [first, second],
                [np.broadcast_shapes(*shapes)],
                types,
                same=same,
                table=table,
                options=options,
                note=note,
            )
    table = {
        "ABS": "AbsOptions",
        "EXP": "ExpOptions",
        "LEAKY_RELU": "LeakyReluOptions",
        "GELU": "GeluOptions",
        "HARD_SWISH": "HardSwishOptions",
        "NEG": "NegOptions",
    }
    plain = {
        "RELU": REALS,
        "RELU6": REALS,
        "LEAKY_RELU": REALS,
        "ABS": NUMBERS,
        "EXP": REALS,
        "ELU": "float32 int8",
        "GELU": "float32 int8",
        "HARD_SWISH": "float32 int8",
        "RELU_0_TO_1": "float32 int8",
        "RELU_N1_TO_1": "float32 int8",
        "NEG": "float32 int32",
        "FLOOR": "float32",
        "CEIL": "float32",
        "ROUND": "float32",
        "SIN": "float32",
        "COS": "float32",
        "SIGN": "float32 int32",
        "SQUARE": "float32",
        "LOGISTIC": REALS,
        "TANH": REALS,
        "SQRT": REALS,
        "RSQRT": REALS,
        "LOG": REALS,
    }
    for op, types in plain.items():
        roots = op in ("SQRT", "RSQRT", "LOG")
        options = {"alpha": 0.2} if op == "LEAKY_RELU" else {}
        yield Form(
            op,
            [X(S, positive=roots)],
            [S],
            types,
            same=False,
            table=table.get(op, "-"),
            options=options,
        )
    yield Form(
        "PRELU",
        [X((1, 2, 3, 4)), C(np.full((1, 1, 4), 3), "x")],
        [(1, 2, 3, 4)],
        "float32 int8",
        same=False,
        table="-",
    )
    yield Form("SOFTMAX", [X(S)], [S], REALS, same=False, options={"beta": 1.0})
    yield Form("LOG_SOFTMAX", [X(S)], [S], "float32 int8", same=False)
    yield Form("L2_NORMALIZATION", [X(S)], [S], "float32 int8", same=False, table="L2NormOptions")
    for op, types in (
        ("MEAN", REALS),
        ("SUM", NUMBERS),
        ("REDUCE_MAX", NUMBERS),
        ("REDUCE_MIN", NUMBERS),
        ("REDUCE_PROD", NUMBERS),
    ):
        for note, axes in (("", [1]), ("inner", [2]), ("two", [1, 2])):
            shape = tuple(1 if k in axes else d for k, d in enumerate(S))
            for same in (True, False) if op in ("SUM", "MEAN") else (op != "REDUCE_PROD",):
                yield Form(
                    op,
                    [X(S, positive=True), C(axes)],
                    [shape],
                    types,
                    same=same,
                    table="ReducerOptions",
                    options={"keepDims": True},
                    note=note + ("" if same else " rescaled"),
                )
    for op in ("REDUCE_ANY", "REDUCE_ALL"):
        yield Form(op, [X(S), C([2])], [(2, 3)], "bool", table="ReducerOptions")
    yield Form(
        "BATCH_MATMUL",
        [X((2, 3, 4)), X((2, 4, 5))],
        [(2, 3, 5)],
        REALS,
        same=False,
        table="BatchMatMulOptions",
    )
    yield Form(
        "BATCH_MATMUL",
        [X((2, 3, 4)), X((2, 5, 4))],
        [(2, 3, 5)],
        REALS,
        same=False,
        table="BatchMatMulOptions",
        options={"adjY": True},
        note="adjoint",
    )
    yield Form("CUMSUM", [X(S), C(1)], [S], "float32 int32")
    for op in ("LOGICAL_AND", "LOGICAL_OR"):
        yield Form(op, [X(S), X(S)], [S], "bool")
    yield Form("LOGICAL_NOT", [X(S)], [S], "bool")
    for op in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
        types = (
            "float32 int32 bool"
            if op.endswith("QUAL") and "_EQUAL" not in op[4:]
            else "float32 int32"
        )
        yield Form(op, [X(S), X(S)], [S], types, result="bool")
        yield Form(op, [X(S), X((3, 1))], [S], types, result="bool", note="broadcast")
    for op in ("ARG_MAX", "ARG_MIN"):
        options = {"outputType": 2}
        yield Form(op, [X(S), C(2)], [(2, 3)], "float32 int32", result="int32", options=options)
    yield Form(
        "ONE_HOT",
        [X((3,), positive=True, type="int32"), C(40), C(1, "x"), C(0, "x")],
        [(3, 40)],
        "float32 int32 bool",
        options={"axis": -1},
    )
    yield Form("RANGE", [C(0, "x"), C(5, "x"), C(1, "x")], [(5,)], "float32 int32")
    yield Form("SHAPE", [X(S)], [(3,)], ALL, result="int32", options={"outType": 2})
    yield Form("RANK", [X(S)], [()], REALS, result="int32")
    yield Form(
        "TOPK_V2", [X((2, 4)), C(2)], [(2, 2), (2, 2)], "float32 int32", table="TopKV2Options"
    )
    yield Form("ZEROS_LIKE", [X(S)], [S], "float32 int32")
    yield Form("SCATTER_ND", [C([[1], [0]]), X((2, 4)), C([3, 4])], [(3, 4)], "float32 int32")


def _convolved(b: Sequence[C], types: str, image: dict[str, Any], bias: str) -> Iterator[Form]:
    """Convolutions; the kernel for them asks for a bias."""
    yield Form(
        "CONV_2D",
        [X((1, 5, 6, 3)), C(np.zeros((5, 2, 3, 3)), "weights"), *b],
        [(1, 5, 6, 5)],
        types,
        same=False,
        table="Conv2DOptions",
        options=image,
        note=bias,
    )
    dilated = {**image, "padding": 1, "dilationWFactor": 2}
    yield Form(
        "CONV_2D",
        [X((1, 1, 9, 3)), C(np.zeros((5, 1, 3, 3)), "weights"), *b],
        [(1, 1, 5, 5)],
        types,
        same=False,
        table="Conv2DOptions",
        options=dilated,
        note="dilated " + bias,
    )


def products() -> Iterator[Form]:
    """Products with constant kernels, their bias of int32, of int64, or none."""
    full = {"keepNumDims": True, "asymmetricQuantizeInputs": False}
    image = {"padding": 0, "strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
    deep = {**image, "depthMultiplier": 1}
    up = {"padding": 0, "strideW": 2, "strideH": 2}
    for bias in ("", "bias", "bias64"):
        types = "int16" if bias == "bias64" else "hybrid " * (bias != "bias64") + REALS
        b = [C(np.arange(5) - 2, bias)] if bias else []
        yield Form(
            "FULLY_CONNECTED",
            [X((2, 3, 4)), C(np.zeros((5, 4)), "weights"), *b],
            [(2, 3, 5)],
            types,
            same=False,
            options=full,
            note=bias,
        )
        if bias:
            yield from _convolved(b, types, image, bias)
        yield Form(
            "DEPTHWISE_CONV_2D",
            [X((1, 5, 6, 5)), C(np.zeros((1, 2, 3, 5)), "weights"), *b],
            [(1, 5, 6, 5)],
            types.replace(" int16", "") if bias else "",
            same=False,
            table="DepthwiseConv2DOptions",
            options=deep,
            note=bias,
        )
        shape = C([1, 4, 6, 5])
        yield Form(
            "TRANSPOSE_CONV",
            [shape, C(np.zeros((5, 2, 2, 3)), "weights"), X((1, 2, 3, 3)), *b],
            [(1, 4, 6, 5)],
            types.replace("hybrid ", ""),
            same=False,
            table="TransposeConvOptions",
            options=up,
            note=bias,
        )

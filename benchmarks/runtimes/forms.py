"""Small models of one op each: the ops that converted files hold, in each type they may have there.

What leaves: `FORMS`. The types are those that the official converter, the lowering and quantization
give such an op: an integer that stands for a real number has a scale ("int8", "int16"), one that
counts has none ("int32").
"""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.computing import computing, products
from runtimes.formats import ALL, AXIS, NUMBERS, REALS, C, Form, S, X


def _moving() -> Iterator[Form]:
    """Ops that move values."""
    yield Form("RESHAPE", [X(S), C([6, 4])], [(6, 4)], ALL)
    yield Form("SQUEEZE", [X((1, 3, 4))], [(3, 4)], ALL, options={"squeezeDims": [0]})
    yield Form("EXPAND_DIMS", [X(S), C([1])], [(2, 1, 3, 4)], ALL)
    yield Form("TRANSPOSE", [X(S), C([1, 0, 2])], [(3, 2, 4)], ALL)
    yield Form(
        "TRANSPOSE", [X((1, 2, 3, 2, 2)), C([0, 2, 1, 4, 3])], [(1, 3, 2, 2, 2)], ALL, note="5"
    )
    yield Form("SLICE", [X(S), C([0, 1, 0]), C([2, 2, 4])], [(2, 2, 4)], ALL)
    yield Form(
        "SLICE",
        [X((1, *S, 2)), C([0, 0, 1, 0, 0]), C([1, 2, 2, 4, 2])],
        [(1, 2, 2, 4, 2)],
        ALL,
        note="5",
    )
    yield Form("STRIDED_SLICE", [X(S), C([0, 1, 0]), C([2, 3, 4]), C([1, 1, 2])], [(2, 2, 2)], ALL)
    yield Form("SPLIT", [C(1), X((2, 4, 3))], [(2, 2, 3)] * 2, ALL, options={"numSplits": 2})
    yield Form(
        "SPLIT_V",
        [X((2, 4, 3)), C([1, 3]), C(1)],
        [(2, 1, 3), (2, 3, 3)],
        ALL,
        options={"numSplits": 2},
    )
    yield Form("UNPACK", [X(S)], [(2, 4)] * 3, ALL, options={"num": 3, "axis": 1})
    yield Form(
        "PACK", [X((2, 4)), X((2, 4))], [(2, 2, 4)], ALL, options={"valuesCount": 2, "axis": 1}
    )
    yield Form("CONCATENATION", [X(S), X(S)], [(2, 6, 4)], ALL, options={"axis": 1})
    yield Form("GATHER", [X(S), C([2, 0])], [(2, 2, 4)], ALL, options={"axis": 1})
    yield Form(
        "GATHER",
        [X(S), C([[1, 0], [2, 2]])],
        [(2, 2, 4)],
        ALL,
        options={"axis": 1, "batchDims": 1},
        note="batch",
    )
    yield Form("GATHER_ND", [X(S), C([[1, 2], [0, 1]])], [(2, 4)], ALL)
    yield Form("REVERSE_V2", [X(S), AXIS], [S], ALL)
    yield Form(
        "REVERSE_SEQUENCE", [X(S), C([2, 3])], [S], ALL, options={"seqDim": 1, "batchDim": 0}
    )
    yield Form("TILE", [X(S), C([1, 2, 1])], [(2, 6, 4)], ALL)
    yield Form("BROADCAST_TO", [X((2, 1, 4)), C(S)], [S], ALL)
    yield Form("PAD", [X(S), C([[0, 0], [1, 2], [0, 0]])], [(2, 6, 4)], ALL)
    yield Form(
        "PADV2",
        [X(S), C([[0, 0], [1, 2], [0, 0]]), C(1, "x")],
        [(2, 6, 4)],
        NUMBERS,
        table="PadV2Options",
    )
    for mode, name in ((0, "reflect"), (1, "symmetric")):
        yield Form(
            "MIRROR_PAD",
            [X(S), C([[0, 0], [1, 1], [0, 0]])],
            [(2, 5, 4)],
            REALS,
            options={"mode": mode},
            note=name,
        )
    yield Form("FILL", [C([2, 3]), C(1, "x")], [(2, 3)], ALL)
    yield Form("FILL", [C([2, 3]), X(())], [(2, 3)], ALL, note="computed")
    yield Form("DYNAMIC_UPDATE_SLICE", [X(S), X((2, 1, 4)), C([0, 1, 0])], [S], ALL)
    yield Form("SELECT", [X(S, type="bool"), X(S), X(S)], [S], ALL)
    yield Form("SELECT_V2", [X((2, 3, 1), type="bool"), X(S), X(S)], [S], ALL)
    image = (1, 4, 4, 3)
    two, nothing = C([2, 2]), C([[0, 0], [0, 0]])
    yield Form(
        "SPACE_TO_BATCH_ND",
        [X(image), two, nothing],
        [(4, 2, 2, 3)],
        REALS,
        table="SpaceToBatchNDOptions",
    )
    yield Form(
        "BATCH_TO_SPACE_ND",
        [X((4, 2, 2, 3)), two, nothing],
        [image],
        REALS,
        table="BatchToSpaceNDOptions",
    )
    yield Form(
        "SPACE_TO_BATCH_ND",
        [X((1, 4, 3)), C([2]), C([[0, 0]])],
        [(2, 2, 3)],
        REALS,
        table="SpaceToBatchNDOptions",
        note="3",
    )
    yield Form(
        "BATCH_TO_SPACE_ND",
        [X((2, 2, 3)), C([2]), C([[0, 0]])],
        [(1, 4, 3)],
        REALS,
        table="BatchToSpaceNDOptions",
        note="3",
    )
    yield Form("DEPTH_TO_SPACE", [X((1, 2, 2, 4))], [(1, 4, 4, 1)], REALS, options={"blockSize": 2})
    yield Form("SPACE_TO_DEPTH", [X((1, 4, 4, 1))], [(1, 2, 2, 4)], REALS, options={"blockSize": 2})
    for op in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        yield Form(op, [X(image), C([8, 8])], [(1, 8, 8, 3)], REALS)
    pool = {"padding": 1, "strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2}
    for op in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        yield Form(op, [X(image)], [(1, 2, 2, 3)], REALS, table="Pool2DOptions", options=pool)


def _between() -> Iterator[Form]:
    """Ops from one type to another: the probed type is "FROM>TO"."""
    yield Form(
        "QUANTIZE",
        [X(S)],
        [S],
        "float32>int8 float32>int16 int8>int8 int8>int16 int16>int8 int16>int16 int32>int16 "
        "int32>int8",
        same=False,
    )
    yield Form("DEQUANTIZE", [X(S)], [S], "int8>float32 int16>float32")
    yield Form(
        "CAST",
        [X(S)],
        [S],
        "float32>int32 int32>float32 bool>float32 float32>bool bool>int32 int32>bool int8>int32 "
        "int16>int32 int32>int16 int8>int16 int32>int64 int64>int32 int64>float32 float32>int64 "
        "int8>float32 int16>float32 bool>int8 int8>bool",
    )


FORMS: tuple[Form, ...] = (*_moving(), *computing(), *products(), *_between())
"""All of them."""

"""Which builtin ops, in which versions, each release of the runtime has. Pure data.

What enters: the name of an op and its version. What leaves: the first release that has it.

A release loads a file if it has every op code of the file, and refuses it otherwise. The table was
made by asking the packages themselves (`tflite-runtime` and `ai-edge-litert` on PyPI) for each op
in each version; `benchmarks/runtimes` asks them again. Each entry has what is new in a release.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """A release of the runtime.

    Attributes:
        name: "TFLite 2.9", as `tflite-runtime` and Android's `tensorflow-lite` count, or
            "LiteRT 1.0", as `ai-edge-litert` counts.
        tensorflow: the first TensorFlow whose own runtime has the same ops; it is written as
            `min_runtime_version`.
        new: kind of op -> its highest version, for what the release before did not have.
    """

    name: str
    tensorflow: str
    new: dict[str, int]


def _release(name: str, tensorflow: str, new: str) -> Release:
    pairs = (entry.partition(":") for entry in new.split())
    return Release(name, tensorflow, {op: int(version or 1) for op, _, version in pairs})


RELEASES: tuple[Release, ...] = (
    _release(
        "TFLite 2.9",
        "2.9.0",
        "ABS:4 ADD:4 ADD_N ARG_MAX:3 ARG_MIN:3 ASSIGN_VARIABLE AVERAGE_POOL_2D:3 BATCH_MATMUL:4 "
        "BATCH_TO_SPACE_ND:3 BIDIRECTIONAL_SEQUENCE_LSTM:3 BIDIRECTIONAL_SEQUENCE_RNN:3 "
        "BROADCAST_ARGS BROADCAST_TO:3 BUCKETIZE CALL_ONCE CAST:4 CEIL COMPLEX_ABS "
        "CONCATENATION:3 CONV_2D:6 CONV_3D CONV_3D_TRANSPOSE COS CUMSUM DENSIFY "
        "DEPTHWISE_CONV_2D:6 DEPTH_TO_SPACE:2 DEQUANTIZE:5 DIV:2 DYNAMIC_UPDATE_SLICE ELU "
        "EMBEDDING_LOOKUP:3 EMBEDDING_LOOKUP_SPARSE EQUAL:3 EXP EXPAND_DIMS FAKE_QUANT:2 FILL:3 "
        "FLOOR FLOOR_DIV:2 FLOOR_MOD FULLY_CONNECTED:9 GATHER:5 GATHER_ND:3 GELU:2 GREATER:2 "
        "GREATER_EQUAL:2 HARD_SWISH HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_LOOKUP "
        "HASHTABLE_SIZE IF IMAG L2_NORMALIZATION:2 L2_POOL_2D LEAKY_RELU:2 LESS:2 LESS_EQUAL:2 "
        "LOCAL_RESPONSE_NORMALIZATION LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC:3 "
        "LOG_SOFTMAX:2 LSH_PROJECTION LSTM:4 MATRIX_DIAG MATRIX_SET_DIAG MAXIMUM:4 MAX_POOL_2D:3 "
        "MEAN:3 MINIMUM:4 MIRROR_PAD:2 MUL:5 MULTINOMIAL NEG NON_MAX_SUPPRESSION_V4 "
        "NON_MAX_SUPPRESSION_V5 NOT_EQUAL:3 ONE_HOT PACK:3 PAD:4 PADV2:4 POW PRELU QUANTIZE:3 "
        "RANDOM_STANDARD_NORMAL RANDOM_UNIFORM RANGE RANK READ_VARIABLE REAL REDUCE_ALL "
        "REDUCE_ANY REDUCE_MAX:3 REDUCE_MIN:3 REDUCE_PROD:2 RELU:3 RELU6:3 RELU_N1_TO_1 RESHAPE "
        "RESIZE_BILINEAR:4 RESIZE_NEAREST_NEIGHBOR:4 REVERSE_SEQUENCE REVERSE_V2:3 RFFT2D RNN:3 "
        "ROUND RSQRT:2 SCATTER_ND SEGMENT_SUM SELECT:2 SELECT_V2 SHAPE SIN SKIP_GRAM SLICE:5 "
        "SOFTMAX:3 SPACE_TO_BATCH_ND:3 SPACE_TO_DEPTH:2 SPARSE_TO_DENSE:3 SPLIT:4 SPLIT_V:2 SQRT "
        "SQUARE SQUARED_DIFFERENCE:2 SQUEEZE:2 STRIDED_SLICE:6 SUB:5 SUM:2 SVDF:4 TANH:3 TILE:3 "
        "TOPK_V2:2 TRANSPOSE:5 TRANSPOSE_CONV:3 UNIDIRECTIONAL_SEQUENCE_LSTM:3 "
        "UNIDIRECTIONAL_SEQUENCE_RNN:3 UNIQUE UNPACK:4 VAR_HANDLE WHERE:2 WHILE ZEROS_LIKE",
    ),
    _release(
        "TFLite 2.10",
        "2.10.0",
        "ATAN2 RELU_0_TO_1 UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_SUM",
    ),
    _release(
        "TFLite 2.11",
        "2.11.0",
        "MUL:6 SIGN UNSORTED_SEGMENT_MIN",
    ),
    _release(
        "TFLite 2.12",
        "2.12.0",
        "ABS:5 CONV_2D:7 FILL:4 SELECT:3 SIGN:2 TRANSPOSE:6 TRANSPOSE_CONV:4 "
        "UNIDIRECTIONAL_SEQUENCE_LSTM:4",
    ),
    _release(
        "TFLite 2.13",
        "2.13.0",
        "ADD:5 BATCH_TO_SPACE_ND:4 BITCAST BITWISE_XOR CAST:5 DEPTHWISE_CONV_2D:7 EQUAL:4 EXP:2 "
        "FLOOR_DIV:3 FLOOR_MOD:2 FULLY_CONNECTED:10 GATHER:6 GATHER_ND:4 GREATER_EQUAL:3 LESS:3 "
        "MIRROR_PAD:3 MUL:7 RIGHT_SHIFT SPACE_TO_BATCH_ND:4 TOPK_V2:3",
    ),
    _release(
        "TFLite 2.14",
        "2.14.0",
        "CONCATENATION:4 PACK:4 RANGE:2 SELECT:4 SELECT_V2:2 SLICE:6 STRIDED_SLICE:8",
    ),
    _release(
        "LiteRT 1.0",
        "2.18.0",
        "CAST:6 CONV_2D:8 DEQUANTIZE:6 DILATE DYNAMIC_UPDATE_SLICE:2 EMBEDDING_LOOKUP:4 "
        "FULLY_CONNECTED:13 GATHER:7 GATHER_ND:5 LOG:2 REDUCE_WINDOW RSQRT:3 TRANSPOSE_CONV:5",
    ),
    _release(
        "LiteRT 1.1",
        "2.19.0",
        "CAST:7 DYNAMIC_UPDATE_SLICE:3",
    ),
    _release(
        "LiteRT 1.2",
        "2.20.0",
        "TRANSPOSE:7",
    ),
    _release(
        "LiteRT 1.3",
        "2.20.0",
        "DYNAMIC_UPDATE_SLICE:4",
    ),
    _release(
        "LiteRT 2.0",
        "2.21.0",
        "PAD:5 PADV2:5 SQRT:2",
    ),
    _release(
        "LiteRT 2.1",
        "2.21.0",
        "CAST:8 DEQUANTIZE:7 EQUAL:5 FULLY_CONNECTED:14 NOT_EQUAL:4 QUANTIZE:4 SLICE:7",
    ),
    _release(
        "LiteRT 2.1.2",
        "2.21.0",
        "CONCATENATION:5 DYNAMIC_UPDATE_SLICE:5 EMBEDDING_LOOKUP:5",
    ),
    _release(
        "LiteRT 2.1.3",
        "2.22.0",
        "DEQUANTIZE:8 QUANTIZE:6 UNPACK:5",
    ),
    _release(
        "LiteRT 2.1.6",
        "2.22.0",
        "ADD:6 CONCATENATION:6 COS:2 DYNAMIC_UPDATE_SLICE:6 GELU:3 MUL:8 SIN:2 SLICE:8 SOFTMAX:4 "
        "TRANSPOSE:9",
    ),
    _release(
        "LiteRT 2.2",
        "2.23.0",
        "BROADCAST_TO:4 CAST:9 CONCATENATION:7 DEQUANTIZE:9 FILL:5 GATHER:8 GATHER_ND:6 PACK:5 "
        "PAD:6 PADV2:6 REVERSE_V2:4 SPLIT:5 SPLIT_V:3 UNPACK:6",
    ),
)
"""The releases in order; a later one has all that an earlier one has."""


KERNELS: dict[tuple[str, str], str] = {
    ("ABS", "int32"): "TFLite 2.12",
    ("BATCH_MATMUL", "int8"): "LiteRT 2.1.3",
    ("BATCH_TO_SPACE_ND", "int16"): "TFLite 2.13",
    ("DIV", "int8"): "LiteRT 2.0",
    ("DIV", "int16"): "LiteRT 2.0",
    ("GATHER_ND", "bool"): "LiteRT 1.0",
    ("PAD", "bool"): "LiteRT 2.0",
    ("SIGN", "int32"): "TFLite 2.12",
    ("SPACE_TO_BATCH_ND", "int16"): "TFLite 2.13",
    ("SUM", "int8"): "TFLite 2.14",
    ("SUM", "int16"): "LiteRT 1.3",
    ("TILE", "int16"): "LiteRT 2.1.3",
}
"""(kind of op, type) -> the first release from which on the kernel is right, where the op's version
does not tell. Older releases refuse the op while they run, or are wrong (BATCH_MATMUL from LiteRT
2.0 on, SIGN, SUM). Every op and type that files may hold was run on all releases: `python -m
runtimes.kernels`."""

MANY_AXES: dict[str, str] = {
    "ADD": "TFLite 2.13",
    "FLOOR_DIV": "LiteRT 2.1.6",
    "FLOOR_MOD": "LiteRT 2.1.6",
    "MUL": "LiteRT 1.0",
    "POW": "LiteRT 2.1.6",
    "SQUARED_DIFFERENCE": "LiteRT 2.1.6",
}
"""The same where an op broadcasts over more than four axes; older releases end the process."""


_CASTS = (
    "bool>float32 bool>int32 bool>int8 float32>bool float32>int32 int16>float32 int16>int32 "
    "int32>bool int32>float32 int32>int16 int8>bool int8>float32 int8>int16 int8>int32"
)
_QUANTIZATIONS = (
    "float32>int16 float32>int8 int16>int16 int16>int8 int32>int16 int32>int8 int8>int16 int8>int8"
)

MICRO_KERNELS: dict[str, str] = {
    "float32 int8 int16": (
        "ABS AVERAGE_POOL_2D BATCH_MATMUL EXPAND_DIMS LEAKY_RELU LOGISTIC MAX_POOL_2D MEAN RELU "
        "RESIZE_NEAREST_NEIGHBOR RSQRT SELECT_V2 SOFTMAX SUM TANH TRANSPOSE"
    ),
    "float32": (
        "ARG_MAX ARG_MIN CEIL COS CUMSUM EXP FLOOR FLOOR_DIV FLOOR_MOD LOG NEG RELU6 ROUND SIN "
        "SQRT SQUARE"
    ),
    "float32 int8": (
        "BATCH_TO_SPACE_ND DEPTH_TO_SPACE ELU GATHER GATHER_ND HARD_SWISH L2_NORMALIZATION "
        "LOG_SOFTMAX MIRROR_PAD PRELU REDUCE_MAX REDUCE_MIN RESIZE_BILINEAR SPACE_TO_BATCH_ND "
        "SPACE_TO_DEPTH TRANSPOSE_CONV"
    ),
    "float32 int8 int16 int32": (
        "ADD DYNAMIC_UPDATE_SLICE MAXIMUM MINIMUM MUL PACK PAD PADV2 SPLIT SPLIT_V SUB UNPACK"
    ),
    "float32 int8 int16 int32 bool": (
        "BROADCAST_TO CONCATENATION RESHAPE REVERSE_V2 SHAPE SLICE SQUEEZE STRIDED_SLICE"
    ),
    "float32 int32": "GREATER GREATER_EQUAL LESS LESS_EQUAL ZEROS_LIKE",
    "bool": "LOGICAL_AND LOGICAL_NOT LOGICAL_OR REDUCE_ALL",
    "float32 float32 int8 int16": "CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED",
    "float32 int8 int32": "DIV FILL SQUARED_DIFFERENCE",
    "float32 int32 bool": "EQUAL NOT_EQUAL",
    "any": "IF WHILE",
    _CASTS: "CAST",
    "int16>float32 int8>float32": "DEQUANTIZE",
    _QUANTIZATIONS: "QUANTIZE",
}
"""Types -> the ops for which LiteRT for Microcontrollers has right kernels in these types. A type
is that of the first operand, or "operand>result". Each op was run there in each type: `python -m
runtimes.micro_kernels`. RELU6 of integers runs, and is wrong."""


def release(name: str, releases: Sequence[Release] = RELEASES) -> Release:
    """A release by its name."""
    return next(r for r in releases if r.name == name)


def first_with(op: str, version: int, releases: Sequence[Release] = RELEASES) -> Release | None:
    """The first release that has an op in a version; None where no known release has it."""
    return next((r for r in releases if r.new.get(op, 0) >= version), None)


def where_text(name: str) -> str:
    """What a file runs on, in words, from the name of the first release that loads it."""
    if not name:
        return "runs on no release of the standard runtime that is known here"
    if name.startswith("TFLite"):
        return f"runs on {name}, LiteRT 1.0 or newer"
    tensorflow = release(name).tensorflow.rpartition(".")[0]
    return f"runs on {name} (TensorFlow {tensorflow}) or newer"

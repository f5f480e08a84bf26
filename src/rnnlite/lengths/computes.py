"""Rules of ops that compute: elementwise, reductions, products, convolutions, pooling.

What enters: a `Node`, with a `Fact` for each input. What leaves: a `Fact` for each result; demands
on sizes are noted in the node.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlite.lengths.facts import Fact, Node, Sizes, Untold, rule, static
from rnnlite.lengths.sizes import Size, ceil_div, floor_div
from rnnlite.lengths.values import is_known

SAME = [
    "Relu",
    "Relu6",
    "Elu",
    "Selu",
    "LeakyRelu",
    "Tanh",
    "Sigmoid",
    "Softmax",
    "LogSoftmax",
    "Exp",
    "Expm1",
    "Log",
    "Log1p",
    "Abs",
    "Sqrt",
    "Rsqrt",
    "Square",
    "Softplus",
    "Softsign",
    "Erf",
    "Erfc",
    "Sin",
    "Cos",
    "Tan",
    "Asin",
    "Acos",
    "Atan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Acosh",
    "Atanh",
    "Floor",
    "Ceil",
    "Round",
    "Rint",
    "Sign",
    "Inv",
    "Reciprocal",
    "IsNan",
    "IsInf",
    "IsFinite",
    "LogicalNot",
    "ZerosLike",
    "OnesLike",
    "BiasAdd",
    "Cumsum",
    "Cumprod",
    "CumulativeLogsumexp",
    "ReverseV2",
    "ReverseSequence",
    "Roll",
    "ClipByValue",
    "LRN",
    "MatrixBandPart",
    "TensorScatterUpdate",
    "TensorScatterAdd",
    "FakeQuantWithMinMaxArgs",
    "FakeQuantWithMinMaxVars",
    "FakeQuantWithMinMaxVarsPerChannel",
    "Digamma",
    "Lgamma",
    "FFT",
    "IFFT",
    "Conj",
]
"""Ops whose result is as large as their first input."""

BROADCASTING = [
    "RealDiv",
    "Div",
    "DivNoNan",
    "TruncateDiv",
    "TruncateMod",
    "Pow",
    "SquaredDifference",
    "Equal",
    "NotEqual",
    "Less",
    "LessEqual",
    "Greater",
    "GreaterEqual",
    "LogicalAnd",
    "LogicalOr",
    "Xdivy",
    "Xlogy",
    "Atan2",
    "MulNoNan",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "ApproximateEqual",
    "SelectV2",
    "Complex",
]
"""Ops whose inputs are broadcast, and whose result has the broadcast sizes."""


@rule(*SAME)
def same(node: Node) -> list[Fact]:
    """As large as the first input."""
    return [Fact(node.sizes(0))]


def broadcast(node: Node, parts: Sequence[Sizes]) -> Sizes:
    """The sizes to which tensors are broadcast; demands that axes which are not 1 are equal."""
    rank = max(map(len, parts))
    found: list[Size] = [1] * rank
    for sizes in parts:
        for k, size in enumerate(sizes, rank - len(sizes)):
            if size == 1:
                continue
            if found[k] == 1:
                found[k] = size
            elif found[k] != size:
                # A size that is not known may be 1.
                both = is_known(found[k]) and is_known(size)
                found[k] = node.demand_equal(found[k], size) if both else _known_of(found[k], size)
    return tuple(found)


def _known_of(one: Size, other: Size) -> Size:
    return one if is_known(one) else other


@rule(*BROADCASTING)
def broadcasting(node: Node) -> list[Fact]:
    """Inputs are broadcast."""
    return [Fact(broadcast(node, [node.sizes(k) for k in range(len(node.inputs))]))]


@rule("Select")
def select(node: Node) -> list[Fact]:
    """As large as the two inputs that it chooses from."""
    one, other = node.sizes(1), node.sizes(2)
    return [Fact(tuple(node.demand_equal(a, b) for a, b in zip(one, other, strict=True)))]


@rule("AddN")
def add_n(node: Node) -> list[Fact]:
    """All inputs are equally large."""
    sizes = node.sizes(0)
    for k in range(1, len(node.inputs)):
        sizes = tuple(node.demand_equal(a, b) for a, b in zip(sizes, node.sizes(k), strict=True))
    return [Fact(sizes)]


@rule("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def batch_norm(node: Node) -> list[Fact]:
    """The first result is as large as the input; the others are statistics."""
    return [Fact(node.sizes(0)), *(Fact(static(y)) for y in node.op.outputs[1:])]


@rule("Sum", "Mean", "Max", "Min", "All", "Any", "EuclideanNorm")
def reduce(node: Node) -> list[Fact]:
    """Axes are dropped, or become 1. A mean, maximum or minimum needs at least one element."""
    sizes = node.sizes(0)
    axes = {a % len(sizes) for a in node.numbers(1)} if sizes else set()
    if node.op.type in ("Mean", "Max", "Min"):
        for axis in axes:
            node.demand_least(sizes[axis])
    if node.attr("keep_dims"):
        return [Fact(tuple(1 if k in axes else s for k, s in enumerate(sizes)))]
    return [Fact(tuple(s for k, s in enumerate(sizes) if k not in axes))]


@rule("ArgMax", "ArgMin")
def arg(node: Node) -> list[Fact]:
    """One axis is dropped."""
    sizes = node.sizes(0)
    axis = node.number(1) % len(sizes)
    node.demand_least(sizes[axis])
    return [Fact(tuple(s for k, s in enumerate(sizes) if k != axis))]


@rule("TopK", "TopKV2")
def top(node: Node) -> list[Fact]:
    """The last axis has k elements."""
    sizes = node.sizes(0)
    count = node.only(1) if node.op.type == "TopKV2" else int(node.attr("k"))
    node.demand_least(sizes[-1], count)
    return [Fact((*sizes[:-1], count))] * 2


@rule("MatMul")
def mat_mul(node: Node) -> list[Fact]:
    """(m, k) (k, n) -> (m, n)."""
    a, b = node.sizes(0), node.sizes(1)
    a = a[::-1] if node.attr("transpose_a") else a
    b = b[::-1] if node.attr("transpose_b") else b
    node.demand_equal(a[1], b[0])
    return [Fact((a[0], b[1]))]


@rule("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def batch_mat_mul(node: Node) -> list[Fact]:
    """(..., m, k) (..., k, n) -> (..., m, n); the axes in front are broadcast."""
    a, b = list(node.sizes(0)), list(node.sizes(1))
    if node.attr("adj_x"):
        a[-2:] = a[:-3:-1]
    if node.attr("adj_y"):
        b[-2:] = b[:-3:-1]
    node.demand_equal(a[-1], b[-2])
    return [Fact((*broadcast(node, [tuple(a[:-2]), tuple(b[:-2])]), a[-2], b[-1]))]


@rule("Einsum")
def einsum(node: Node) -> list[Fact]:
    """The equation tells the sizes: a letter stands for one size."""
    equation = node.text("equation").replace(" ", "")
    if "..." in equation:
        raise Untold
    terms, result = equation.split("->")
    known: dict[str, Size] = {}
    for place, letters in enumerate(terms.split(",")):
        for letter, size in zip(letters, node.sizes(place), strict=True):
            if known.get(letter, 1) == 1:
                known[letter] = size
            elif size != 1:
                known[letter] = node.demand_equal(known[letter], size)
    return [Fact(tuple(known[letter] for letter in result))]


def _places(layout: str) -> list[int]:
    """The spatial axes of a layout such as NHWC or NCDHW."""
    return [k for k, letter in enumerate(layout) if letter in "DHW"]


def window(node: Node, size: Size, width: Size, stride: int, dilation: int, padding: str) -> Size:
    """How many windows there are along an axis; demands at least one.

    "SAME" pads so that there is a window for each stride. "VALID" takes the windows that lie within
    the axis.
    """
    if padding == "SAME":
        found = ceil_div(size, stride)
    elif padding == "VALID":
        reach = (width - 1) * dilation + 1
        found = floor_div(size - reach + stride, stride)
    else:
        raise Untold
    node.demand_least(found)
    return found


@rule("Conv2D", "DepthwiseConv2dNative", "Conv3D")
def convolve(node: Node) -> list[Fact]:
    """Windows along the spatial axes; the kernel tells the channels."""
    sizes, kernel = list(node.sizes(0)), node.sizes(1)
    layout = node.text("data_format")
    places = _places(layout)
    channel = layout.index("C")
    strides, dilations = list(node.attr("strides")), list(node.attr("dilations"))
    padding = node.text("padding")
    explicit = list(node.attr("explicit_paddings")) if padding == "EXPLICIT" else []
    for k, axis in enumerate(places):
        size, kind = sizes[axis], padding
        if explicit:
            size, kind = size + explicit[2 * axis] + explicit[2 * axis + 1], "VALID"
        sizes[axis] = window(node, size, kernel[k], strides[axis], dilations[axis], kind)
    # TensorFlow also takes a multiple of the kernel's channels, as groups. That is not meant for a
    # free axis: one that becomes channels has the size that the kernel has.
    node.demand_equal(sizes[channel], kernel[-2])
    depthwise = node.op.type == "DepthwiseConv2dNative"
    sizes[channel] = kernel[-2] * kernel[-1] if depthwise else kernel[-1]
    return [Fact(tuple(sizes))]


@rule("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D")
def pool(node: Node) -> list[Fact]:
    """Windows along all axes whose width or stride is not 1."""
    sizes = list(node.sizes(0))
    widths, strides = list(node.attr("ksize")), list(node.attr("strides"))
    padding = node.text("padding")
    for axis, (width, stride) in enumerate(zip(widths, strides, strict=True)):
        if (width, stride) != (1, 1):
            sizes[axis] = window(node, sizes[axis], width, stride, 1, padding)
    return [Fact(tuple(sizes))]


@rule("Conv2DBackpropInput", "Conv3DBackpropInputV2", "DepthwiseConv2dNativeBackpropInput")
def deconvolve(node: Node) -> list[Fact]:
    """The result of a transposed convolution has the shape that its first input holds."""
    return [Fact(tuple(node.content(0)))]


@rule("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea")
def resize(node: Node) -> list[Fact]:
    """The second input holds height and width."""
    batch, _, _, channels = node.sizes(0)
    height, width = node.content(1)
    return [Fact((batch, height, width, channels))]


@rule("RFFT")
def rfft(node: Node) -> list[Fact]:
    """Half of the spectrum; the second input holds the length of the transform."""
    (length,) = node.content(1)
    sizes = node.sizes(0)
    node.demand_least(sizes[-1], length)
    return [Fact((*sizes[:-1], floor_div(length, 2) + 1))]

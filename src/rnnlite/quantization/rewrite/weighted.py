"""Make the operands of products and convolutions: an int8 kernel, and an integer bias.

What enters: the values of the rewriting, the op, and its result in integers. What leaves: its
operands in integers; constants are added to the graph.
"""

from __future__ import annotations

from rnnlite.errors import UnsupportedError
from rnnlite.lite.ir import Quantization, Value
from rnnlite.lite.schema import type_number
from rnnlite.quantization.params import symmetric
from rnnlite.quantization.rewrite.operands import Operands, Site
from rnnlite.quantization.rewrite.products import bias_alone, integer_product


def make_weighted_operands(made: Operands, site: Site, output: Value) -> list[Value | None]:
    """Make the operands of an op that multiplies by weights, constants among them.

    Args:
        made: the values of the rewriting.
        site: the op.
        output: the result of the op, in integers.

    Raises:
        UnsupportedError: the bias is no constant.
    """
    rule, op = site.rule, site.op
    inputs = list(site.operands)
    data, kernel = site.operand(rule.data), site.operand(rule.weights)
    bias = inputs[rule.bias] if len(inputs) > rule.bias else None
    if bias is not None and bias not in made.constants:
        raise UnsupportedError(
            f"{op.kind} {output.label} has a bias that is no constant",
            remedy="Add it in an op of its own",
        )
    if kernel not in made.constants:
        return _make_both_operands(made, site, bias)
    source = made.own(data, site.dtype)
    held = None if bias is None else made.constants[bias]
    product = integer_product(made.constants[kernel], held, source, output.scale, rule.axis)
    inputs[rule.data] = made.operand(data, source)
    known = Quantization.of(product.scales, 0, rule.axis)
    inputs[rule.weights] = made.write(kernel, product.kernel, known)
    made.record(kernel, "int8", "a scale a channel")
    wide = product.wide or (site.dtype == "int16" and op.kind == "DEPTHWISE_CONV_2D")
    if product.bias is not None and bias is not None:
        numbers = product.bias.astype("int64") if wide else product.bias
        steps = Quantization.of(product.bias_scales(source))
        inputs[rule.bias] = made.write(bias, numbers, steps)
        made.record(bias, numbers.dtype.name, "scales of input and weights")
    if site.dtype == "int16" and op.kind in ("FULLY_CONNECTED", "CONV_2D", "TRANSPOSE_CONV"):
        op.options["quantizedBiasType"] = type_number("int64" if wide else "int32")
    if op.kind == "FULLY_CONNECTED":
        op.options["asymmetricQuantizeInputs"] = False
    return inputs


def _make_both_operands(made: Operands, site: Site, bias: Value | None) -> list[Value | None]:
    """Make the operands of a WEIGHTED op whose kernel is computed: a product of two activations."""
    rule = site.rule
    inputs = list(site.operands)
    data, weights = site.operand(rule.data), site.operand(rule.weights)
    source = made.own(data, site.dtype)
    kernel = symmetric(made.plan.range(weights))
    inputs[rule.data] = made.operand(data, source)
    inputs[rule.weights] = made.operand(weights, kernel)
    if bias is not None:
        numbers = bias_alone(made.constants[bias], source, kernel)
        steps = Quantization.of(source.scale * kernel.scale)
        inputs[rule.bias] = made.write(bias, numbers, steps)
        made.record(bias, "int32", "scales of input and kernel")
    return inputs

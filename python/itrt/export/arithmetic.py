"""Sums, products and tables: between DequantizeLinear and QuantizeLinear, or read from a constant."""

from __future__ import annotations

import numpy as np

from itrt.export.context import Context
from itrt.format import Add, Lookup, Multiply


def add(context: Context, operator: Add) -> str:
    """Translate a sum; of two inputs it is exact in binary32, where it is not clamped."""
    granule = 2.0**-operator.shift
    terms = [
        context.dequantized(index, multiplier * granule)
        for index, multiplier in zip(operator.inputs, operator.multipliers, strict=True)
    ]
    total = terms[0]
    for term in terms[1:]:
        total = context.graph.node("Add", [total, term])
    return context.quantized(context.halves_up(total, granule), operator.output, operator.clamp)


def multiply(context: Context, operator: Multiply) -> str:
    """Translate a product: its 31 bits are rounded to 24."""
    first, second = operator.inputs
    granule = 2.0**-operator.shift
    inputs = [context.dequantized(first), context.dequantized(second, operator.multiplier * granule)]
    product = context.graph.node("Mul", inputs)
    return context.quantized(context.halves_up(product, granule), operator.output, operator.clamp)


def lookup(context: Context, operator: Lookup) -> str:
    """Translate a table: u8 in, u8 out, exact. Tables a channel are one behind the other."""
    from onnx import TensorProto

    table = np.asarray(operator.table.at(context.step))
    place = context.graph.node("Cast", [context.values[operator.input]], to=int(TensorProto.INT64))
    if len(table) > 1:
        first = (256 * np.arange(len(table), dtype=np.int64)).reshape(1, -1, 1, 1)
        place = context.graph.node("Add", [place, context.graph.constant(first)])
    return context.graph.node("Gather", [context.graph.constant(table.reshape(-1), f"{operator.name}.table"), place])

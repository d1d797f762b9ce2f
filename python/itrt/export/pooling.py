"""Windows: maxima, which stay in 8 bits, and averages."""

from __future__ import annotations

from itrt.export.context import Context
from itrt.format import AdaptivePool, Pool

_ROWS, _COLUMNS = 2, 3  # the axes


def max_pool(context: Context, operator: Pool) -> str:
    """Translate the maximum of windows."""
    value = context.graph.node(
        "MaxPool",
        [context.values[operator.input]],
        kernel_shape=operator.kernel,
        strides=operator.stride,
        pads=operator.padding,
        dilations=operator.dilation,
        ceil_mode=int(operator.ceil),
    )
    return _without_late_windows(context, operator, value)


def average_pool(context: Context, operator: Pool) -> str:
    """Translate an average of windows.

    Padding that counts is made before: with "ceil", ONNX Runtime up to 1.20 counts what lies beyond it, too.
    """
    zero_point, padding = context.zero_point(operator.input), operator.padding
    value = context.values[operator.input]
    if operator.count_padding:
        value, padding = context.padded(value, padding, zero_point), (0, 0, 0, 0)
    value = context.graph.node(
        "AveragePool",
        [context.graph.dequantize(value, _factor(operator), zero_point)],
        kernel_shape=operator.kernel,
        strides=operator.stride,
        pads=padding,
        ceil_mode=int(operator.ceil),
    )
    value = _without_late_windows(context, operator, value)
    return context.quantized(context.halves_up(value), operator.output)


def adaptive_pool(context: Context, operator: AdaptivePool) -> str:
    """Translate averages of uneven windows: a matrix of shares from the left, one from the right."""
    value = context.dequantized(operator.input, _factor(operator))
    if operator.size == (1, 1):
        value = context.graph.node("GlobalAveragePool", [value])
    else:
        rows = _shares(context, operator, _ROWS)
        columns = context.graph.node("Transpose", [_shares(context, operator, _COLUMNS)], perm=[1, 0])
        value = context.graph.node("MatMul", [rows, context.graph.node("MatMul", [value, columns])])
    return context.quantized(context.halves_up(value), operator.output)


def _without_late_windows(context: Context, operator: Pool, value: str) -> str:
    """Cut off windows that would start behind the input: before opset 22, ONNX leaves open whether "ceil" has them."""
    starts_late = [
        behind + stride > dilation * (kernel - 1) + 1
        for behind, stride, dilation, kernel in zip(
            operator.padding[2:], operator.stride, operator.dilation, operator.kernel, strict=True
        )
    ]
    if not operator.ceil or not any(starts_late):
        return value
    graph = context.graph
    top, left = operator.padding[:2]
    count = (context.size_of(operator.input) + context.integers(top - 1, left - 1)) // context.integers(
        *operator.stride
    )
    end = (count + 1).name
    return graph.node("Slice", [value, context.numbers(0, 0), end, context.numbers(_ROWS, _COLUMNS)])


def _factor(operator: Pool | AdaptivePool) -> float:
    """Output steps an input step."""
    return operator.multiplier * 2.0**-operator.shift


def _shares(context: Context, operator: AdaptivePool, axis: int) -> str:
    """(windows, pixels): what share each pixel has in each window's average, along an axis."""
    windows, pixels = operator.size[axis - _ROWS], context.size_of(operator.input).item(axis - _ROWS)
    number, pixel = context.integers(*range(windows)).column(), pixels.numbered()
    begin = number * pixels // windows
    end = ((number + 1) * pixels + (windows - 1)) // windows
    from_begin = (pixel - begin + 1).at_least(0).at_most(1)
    until_end = (end - pixel).at_least(0).at_most(1)
    return (from_begin * until_end).over(end - begin)

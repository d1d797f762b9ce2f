"""Windows: maxima, which stay in 8 bits, and averages."""

from __future__ import annotations

from typing import Any

from itrt.export.context import Context
from itrt.format import AdaptivePool, Pool

_ROWS, _COLUMNS = 2, 3  # the axes

Padding = tuple[int, int, int, int]


def max_pool(context: Context, operator: Pool) -> str:
    """Translate the maximum of windows."""
    value = context.values[operator.input]
    return _windows(context, operator, "MaxPool", value, operator.padding, dilations=operator.dilation)


def average_pool(context: Context, operator: Pool) -> str:
    """Translate an average of windows.

    Padding that counts is made before: with "ceil", ONNX Runtime up to 1.20 counts what lies beyond it, too.
    """
    zero_point, padding = context.zero_point(operator.input), operator.padding
    value = context.values[operator.input]
    if operator.count_padding:
        value, padding = context.padded(value, padding, zero_point), (0, 0, 0, 0)
    value = context.graph.dequantize(value, _factor(operator), zero_point)
    averages = _windows(context, operator, "AveragePool", value, padding)
    return context.quantized(context.halves_up(averages), operator.output)


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


def _windows(context: Context, operator: Pool, kind: str, value: str, padding: Padding, **attributes: Any) -> str:
    """Add an operator of windows; `padding` is what is still to be done of the program's.

    Before opset 22, ONNX leaves open whether "ceil" has windows that start behind the input. So it is taken where sizes
    are open alone, and such windows are cut off; else padding is as much as the last window needs.
    """
    exact = _padding_without_ceil(context, operator, padding) if operator.ceil else padding
    found = context.graph.node(
        kind,
        [value],
        kernel_shape=operator.kernel,
        strides=operator.stride,
        pads=exact or padding,
        ceil_mode=int(exact is None),
        **attributes,
    )
    return found if exact else _without_late_windows(context, operator, found)


def _padding_without_ceil(context: Context, operator: Pool, padding: Padding) -> Padding | None:
    """With it, as many windows fit as "ceil" has; None where that is not known, or more than a kernel may have."""
    if context.sizes is None:
        return None
    behind = []
    for axis in range(2):
        done = sum(operator.padding[axis::2]) - sum(padding[axis::2])
        extent = context.sizes[operator.input][axis] + done
        last = (context.sizes[operator.output][axis] - 1) * operator.stride[axis]
        end = last + operator.dilation[axis] * (operator.kernel[axis] - 1) + 1
        behind.append(max(end - extent - padding[axis], 0))
    if behind[0] >= operator.kernel[0] or behind[1] >= operator.kernel[1]:
        return None
    return padding[0], padding[1], behind[0], behind[1]


def _without_late_windows(context: Context, operator: Pool, value: str) -> str:
    """Cut off windows that would start behind the input and the padding before it."""
    graph, (top, left, *behind) = context.graph, operator.padding
    starts_late = [
        behind[axis] + operator.stride[axis] > operator.dilation[axis] * (operator.kernel[axis] - 1) + 1
        for axis in range(2)
    ]
    if not any(starts_late):
        return value
    room = context.size_of(operator.input) + context.integers(top - 1, left - 1)
    end = (room // context.integers(*operator.stride) + 1).name
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

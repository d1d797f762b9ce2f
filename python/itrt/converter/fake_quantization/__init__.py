"""Quantization-aware training: a network in torch that computes the bytes of its int8 program, and has gradients.

    weights, gains, shifts, scales     float64, trained
         │            │
         │      quantize_with          the converter's own arithmetic, anew in every forward pass
         │            │
    gradient       integers            docs/numerics.md (`exact`)
         └─ straight_through ─┘
                  │
               logits

The integers have one origin: `itrt.convert` of the trained network calls the same function on the same numbers. Only
the gradient has formulas of its own: those of the float graph, with a derivative of one for every rounding.
"""

from itrt.converter.fake_quantization.network import FakeQuantizedNetwork

__all__ = ["FakeQuantizedNetwork"]

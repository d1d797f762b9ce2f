"""Programs in the formats of others (ONNX), and how closely another runtime's answers agree.

The package onnx (``pip install 'itrt[onnx]'``) is imported when a model is made.
"""

from itrt.export.agreement import Agreement, measure_agreement
from itrt.export.onnx_model import to_onnx, write_onnx

__all__ = ["Agreement", "measure_agreement", "to_onnx", "write_onnx"]

"""itrt runs iterative networks: one int8 block, executed k times in constant memory, an answer after every iteration.

>>> import itrt
>>> model = itrt.load("itnet-camvid")
>>> model.run("street.png", iterations=4).save("labels.png")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from itrt import errors, kernels, stop
from itrt._core import CancelToken, __version__
from itrt.errors import ItrtError
from itrt.loading import load, packaged_models
from itrt.result import Result
from itrt.runtime import Model
from itrt.stream import Stream
from itrt.stripes import Stripe

if TYPE_CHECKING:
    from itrt.converter import convert

__all__ = [
    "CancelToken",
    "ItrtError",
    "Model",
    "Result",
    "Stream",
    "Stripe",
    "__version__",
    "convert",
    "errors",
    "kernels",
    "load",
    "packaged_models",
    "stop",
]


def __getattr__(name: str) -> Any:
    """`itrt.convert` needs torch, `itrt.nn` too, `itrt.export` onnx: they are imported when they are first named."""
    if name == "convert":
        return import_module("itrt.converter").convert
    if name == "export":
        return import_module("itrt.export")
    raise AttributeError(f"module 'itrt' has no attribute {name!r}")

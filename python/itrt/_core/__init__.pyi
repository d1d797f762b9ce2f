"""
The runtime of itrt: programs, sessions and kernels.
"""

from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
import typing_extensions
from . import kernels
from . import plan

__all__: list[str] = [
    "CancelToken",
    "Operator",
    "Program",
    "RowsRead",
    "Session",
    "StripePlan",
    "Tensor",
    "compiler",
    "cpu_budget",
    "default_threads",
    "detected_isa",
    "detected_isas",
    "isa_names",
    "kernels",
    "max_threads",
    "plan",
    "plan_stripes",
    "select_isa",
]

class Tensor:
    """
    An activation of a program.
    """
    @property
    def channels(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def scale(self) -> float: ...
    @property
    def zero_points(self) -> list[int]: ...

class Operator:
    """
    An operator of a program: what it writes, and what that costs.
    """
    @property
    def hoisted_terms(self) -> int: ...
    @property
    def joins_next(self) -> bool: ...
    @property
    def kernels(self) -> list[str]: ...
    @property
    def kind(self) -> str: ...
    @property
    def macs_per_pixel(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def output(self) -> int: ...
    @property
    def section(self) -> str: ...

class Program:
    """
    A validated program with packed weights; immutable.
    """
    def __init__(self, file: typing_extensions.Buffer, isa: str | None = None, hoist: bool | None = None) -> None: ...
    def arena_bytes(
        self,
        height: typing.SupportsInt | typing.SupportsIndex,
        width: typing.SupportsInt | typing.SupportsIndex,
        stripes: collections.abc.Sequence[
            tuple[
                str,
                typing.SupportsInt | typing.SupportsIndex,
                typing.SupportsInt | typing.SupportsIndex,
                typing.SupportsInt | typing.SupportsIndex,
            ]
        ] = [],
    ) -> int: ...
    def check_stripes(
        self,
        stripes: collections.abc.Sequence[
            tuple[
                str,
                typing.SupportsInt | typing.SupportsIndex,
                typing.SupportsInt | typing.SupportsIndex,
                typing.SupportsInt | typing.SupportsIndex,
            ]
        ],
    ) -> None: ...
    def choose_stripes(
        self, height: typing.SupportsInt | typing.SupportsIndex, width: typing.SupportsInt | typing.SupportsIndex
    ) -> list[tuple[str, int, int, int]]: ...
    def labels(
        self,
        logits: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8],
        height: typing.SupportsInt | typing.SupportsIndex,
        width: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> numpy.ndarray: ...
    @property
    def classes(self) -> list[str]: ...
    @property
    def color_order(self) -> str: ...
    @property
    def image(self) -> int: ...
    @property
    def isa(self) -> str: ...
    @property
    def iterations(self) -> int: ...
    @property
    def logits(self) -> int: ...
    @property
    def max_iterations(self) -> int | None: ...
    @property
    def mean(self) -> list[float]: ...
    @property
    def metadata(self) -> dict[str, str]: ...
    @property
    def name(self) -> str: ...
    @property
    def operators(self) -> list[Operator]: ...
    @property
    def palette(self) -> numpy.typing.NDArray[numpy.uint8]: ...
    @property
    def state(self) -> int | None: ...
    @property
    def std(self) -> list[float]: ...
    @property
    def tensors(self) -> list[Tensor]: ...
    @property
    def weight_bytes(self) -> int: ...

class CancelToken:
    """
    Ends runs from outside: any thread may cancel it, once and for good.

    A run that was given it ends before its next operator; what is done is kept. One token may be given to many runs.
    A token that is made with a parent is cancelled with it, too.
    """
    def __init__(self, parent: CancelToken | None = None) -> None: ...
    def cancel(self) -> None:
        """
        End the runs that were given this token, now and from now on.
        """
    @property
    def cancelled(self) -> bool:
        """
        Whether it was cancelled.
        """

class Session:
    """
    One run of a program on images of one size.
    """
    def __init__(
        self,
        program: Program,
        height: typing.SupportsInt | typing.SupportsIndex,
        width: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
        fusion: bool = True,
        stripes: collections.abc.Sequence[
            tuple[
                str,
                typing.SupportsInt | typing.SupportsIndex,
                typing.SupportsInt | typing.SupportsIndex,
                typing.SupportsInt | typing.SupportsIndex,
            ]
        ] = [],
    ) -> None: ...
    def answer(self) -> numpy.typing.NDArray[numpy.uint8]: ...
    def iterate(
        self, cancel: CancelToken | None = None, seconds: typing.SupportsFloat | typing.SupportsIndex | None = None
    ) -> None: ...
    def measure(self, enabled: bool) -> None: ...
    def mix_state(
        self,
        other: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8],
        weight: typing.SupportsInt | typing.SupportsIndex,
        first_step: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def record(self, tensors: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> None: ...
    def start(
        self,
        image: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8],
        cancel: CancelToken | None = None,
        seconds: typing.SupportsFloat | typing.SupportsIndex | None = None,
    ) -> None: ...
    def state(self) -> numpy.typing.NDArray[numpy.uint8]: ...
    def take(self) -> list: ...
    def take_times(self) -> list: ...
    @property
    def arena_bytes(self) -> int: ...
    @property
    def iterations_done(self) -> int: ...

class RowsRead:
    """
    Which rows of an input an operator reads for a row of its output.
    """
    @staticmethod
    def aligned_corners(
        input_height: typing.SupportsInt | typing.SupportsIndex,
        output_height: typing.SupportsInt | typing.SupportsIndex,
    ) -> RowsRead: ...
    @staticmethod
    def bilinear(
        input_height: typing.SupportsInt | typing.SupportsIndex,
        output_height: typing.SupportsInt | typing.SupportsIndex,
    ) -> RowsRead: ...
    @staticmethod
    def blocks(block_height: typing.SupportsInt | typing.SupportsIndex) -> RowsRead: ...
    @staticmethod
    def convolution(
        kernel: typing.SupportsInt | typing.SupportsIndex,
        stride: typing.SupportsInt | typing.SupportsIndex,
        padding_top: typing.SupportsInt | typing.SupportsIndex,
        dilation: typing.SupportsInt | typing.SupportsIndex,
    ) -> RowsRead: ...
    @staticmethod
    def divided(
        input_height: typing.SupportsInt | typing.SupportsIndex,
        output_height: typing.SupportsInt | typing.SupportsIndex,
    ) -> RowsRead: ...
    @staticmethod
    def elementwise() -> RowsRead: ...
    @staticmethod
    def everything(input_height: typing.SupportsInt | typing.SupportsIndex) -> RowsRead: ...
    @staticmethod
    def nearest(
        input_height: typing.SupportsInt | typing.SupportsIndex,
        output_height: typing.SupportsInt | typing.SupportsIndex,
    ) -> RowsRead: ...
    @staticmethod
    def padded(
        top: typing.SupportsInt | typing.SupportsIndex, mirrored: typing.SupportsInt | typing.SupportsIndex
    ) -> RowsRead: ...
    @staticmethod
    def replicated(top: typing.SupportsInt | typing.SupportsIndex) -> RowsRead: ...
    def of(
        self,
        first: typing.SupportsInt | typing.SupportsIndex,
        last: typing.SupportsInt | typing.SupportsIndex,
        height: typing.SupportsInt | typing.SupportsIndex,
    ) -> tuple[int, int]:
        """
        The rows of an input of `height` rows that the output's rows read, half open.
        """

class StripePlan:
    """
    What operators that run in turns compute, and what they hold.
    """
    @property
    def buffer_rows(self) -> list[int]:
        """
        [tensor]: rows of its line buffer, or its height.
        """
    @property
    def computed(self) -> list[list[tuple[int, int]]]:
        """
        [stripe][operator]: (first, last) row of its output, half open.
        """
    @property
    def held(self) -> list[list[tuple[int, int]]]:
        """
        [stripe][tensor]: (first, last) row in its buffer when the stripe's operators have run, half open.
        """
    @property
    def recomputed_rows(self) -> int:
        """
        Rows that were computed again.
        """

def compiler() -> str:
    """
    What the kernels were compiled with.
    """

def cpu_budget() -> int:
    """
    CPUs that affinity and cgroup quota leave to this process.
    """

def default_threads() -> int:
    """
    ITRT_NUM_THREADS or else cpu_budget().
    """

def detected_isa() -> str:
    """
    The best instruction set of this CPU.
    """

def detected_isas() -> list[str]:
    """
    The instruction sets of this CPU, the best last.
    """

def isa_names() -> list[str]:
    """
    All instruction sets that itrt knows.
    """

def plan_stripes(
    tensors: collections.abc.Sequence[tuple[typing.SupportsInt | typing.SupportsIndex, bool]],
    operators: collections.abc.Sequence[
        tuple[
            typing.SupportsInt | typing.SupportsIndex,
            collections.abc.Sequence[tuple[typing.SupportsInt | typing.SupportsIndex, RowsRead]],
        ]
    ],
    rows: typing.SupportsInt | typing.SupportsIndex,
    recompute: bool = False,
) -> StripePlan:
    """
    Stripes of `rows` rows of the last output. tensors: (height, stored whole); operators, in order:
    (output, [(input, RowsRead)]); tensors are numbers. Halos are kept, or computed again.
    """

def select_isa(isa: str | None = None) -> str:
    """
    The instruction set that is used: as asked for, or by ITRT_ISA, or the best.
    """

__version__: str = "0.1.0"
max_threads: int = 256

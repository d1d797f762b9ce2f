"""Load a model and run it: argument checks around the compiled Program and Session."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from itrt import _core
from itrt.errors import InvalidArgumentError, MissingFileError, ModelFileError
from itrt.images import Image, read_image
from itrt.result import Result
from itrt.stripes import AUTO, Stripe, StripeChoice, StripeRow, named_stripes, stripe_rows

if TYPE_CHECKING:
    from itrt.execution import ExecutedOperator
    from itrt.profile import Profile

_MODEL_SUFFIX = ".itrt"
_IDLE_SESSIONS = 4  # kept for the next run of the same size, over all sizes
_MAX_EXTENT = 1 << 33  # of an image's height or width: no tensor may be larger


def packaged_models() -> tuple[str, ...]:
    """The names of the models that come with the package."""
    directory = resources.files("itrt") / "models"
    if not directory.is_dir():
        return ()
    names = (entry.name for entry in directory.iterdir())
    return tuple(sorted(name.removesuffix(_MODEL_SUFFIX) for name in names if name.endswith(_MODEL_SUFFIX)))


def load(
    model: str | os.PathLike[str] | bytes,
    *,
    threads: int | None = None,
    isa: str | None = None,
    stripes: StripeChoice = None,
) -> Model:
    """Load a model.

    Parameters
    ----------
    model
        The name of a packaged model (`packaged_models`), the path of an ``.itrt`` file, or a file's bytes.
    threads
        Threads of a run, 1 to 256. Default: ``ITRT_NUM_THREADS``, or else the CPUs that affinity and quota allow.
    isa
        The instruction set of the kernels (`itrt.kernels.list`). Default: ``ITRT_ISA``, or else the best of this CPU.
        The bytes of all results are the same on all of them.
    stripes
        Operators that run a few rows at a time (`Stripe`), which needs less memory; the bytes of all results are the
        same. "auto": those whose tensors leave the CPU's cache of level 2, in stripes that stay in it; none where the
        system does not tell its size. Default: none. `Model.taps` and `Model.profile` run without stripes.

    Raises
    ------
    MissingFileError
        If there is neither a packaged model nor a file of this name.
    ModelFileError
        If the bytes are not a whole and valid model of this format version.
    InvalidArgumentError
        For a wrong thread count or instruction set, or stripes that the program cannot run: unknown operators, less
        than a row, an operator in two of them, or a fused resize without its addition.
    """
    count = _core.default_threads() if threads is None else _check_count("threads", threads, _core.max_threads)
    if isa is not None and not isinstance(isa, str):
        raise InvalidArgumentError(f"isa: expected a name (itrt.kernels.list) or None, found {isa!r}")
    data, source = read_model(model)
    try:
        return Model(_core.Program(data, isa), count, len(data), stripes)
    except ModelFileError as error:
        raise ModelFileError(f"{source}: {error}") from error


def read_model(model: str | os.PathLike[str] | bytes) -> tuple[bytes, str]:
    """Return a model's bytes, not validated, and what to call it in messages; arguments and errors as for `load`."""
    if isinstance(model, bytes | bytearray | memoryview):
        return bytes(model), "model from bytes"
    if not isinstance(model, str | os.PathLike):
        raise InvalidArgumentError(f"model: expected a name, a path or bytes, found {type(model).__name__}")
    if isinstance(model, str) and model in packaged_models():
        return (resources.files("itrt") / "models" / (model + _MODEL_SUFFIX)).read_bytes(), model
    path = Path(model)
    if not path.is_file():
        known = ", ".join(packaged_models()) or "none"
        raise MissingFileError(f"model {model!s}: expected a file or a packaged model ({known}), found neither")
    return path.read_bytes(), str(path)


def _check_count(name: str, value: object, highest: int | None) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidArgumentError(f"{name}: expected an integer, found {value!r}")
    if value < 1 or (highest is not None and value > highest):
        limit = "at least 1" if highest is None else f"1 to {highest}"
        raise InvalidArgumentError(f"{name}: expected {limit}, found {value}")
    return int(value)


class Model:
    """A loaded network. It may be used by several Python threads at the same time; a run releases the GIL."""

    def __init__(self, program: _core.Program, threads: int, file_bytes: int, stripes: StripeChoice = None):
        self._program = program
        self._threads = threads
        self._file_bytes = file_bytes
        self._chooses_stripes = isinstance(stripes, str) and stripes == AUTO
        self._stripe_rows: tuple[StripeRow, ...] = ()
        if stripes is not None and not self._chooses_stripes:
            self._stripe_rows = stripe_rows(program, stripes)
            program.check_stripes(self._stripe_rows)
        self._palette = np.asarray(program.palette)
        self._palette.setflags(write=False)
        self._idle: list[tuple[tuple[int, int], _core.Session]] = []
        self._lock = threading.Lock()
        # A fork while another thread holds the lock would leave it locked in the child for ever.
        _models.add(self)

    name = property(lambda self: self._program.name, doc="The model's name.")

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the labels."""
        return tuple(self._program.classes)

    @property
    def palette(self) -> NDArray[np.uint8]:
        """A colour a class, (classes, 3) u8 RGB, read-only."""
        return self._palette

    @property
    def iterations(self) -> int:
        """Iterations the network was trained with: the default of `run`."""
        return int(self._program.iterations)

    @property
    def max_iterations(self) -> int | None:
        """The most iterations it can run, or None for any number."""
        return self._program.max_iterations

    @property
    def metadata(self) -> dict[str, str]:
        """What the converter noted: where the model comes from, its licence."""
        return dict(self._program.metadata)

    @property
    def threads(self) -> int:
        """Threads of a run."""
        return self._threads

    @property
    def isa(self) -> str:
        """The instruction set of the kernels that run."""
        return str(self._program.isa)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights, biases and scales, as in the file."""
        return int(self._program.weight_bytes)

    @property
    def file_bytes(self) -> int:
        """Bytes of the model file."""
        return self._file_bytes

    @property
    def logits_quantization(self) -> tuple[float, int]:
        """Scale and zero point of the logits."""
        tensor = self._program.tensors[self._program.logits]
        return tensor.scale, tensor.zero_points[0]

    def arena_bytes(self, height: int, width: int) -> int:
        """Bytes of the one arena that holds all activations of a run on images of this size."""
        checked = _check_count("height", height, _MAX_EXTENT), _check_count("width", width, _MAX_EXTENT)
        return int(self._program.arena_bytes(*checked, self._stripes_of(*checked)))

    def stripes(self, height: int, width: int) -> tuple[Stripe, ...]:
        """The stripes of a run on images of this size."""
        checked = _check_count("height", height, _MAX_EXTENT), _check_count("width", width, _MAX_EXTENT)
        return named_stripes(self._program, self._stripes_of(*checked))

    def _stripes_of(self, height: int, width: int) -> Sequence[StripeRow]:
        return self._program.choose_stripes(height, width) if self._chooses_stripes else self._stripe_rows

    def run(self, image: Image, iterations: int | None = None) -> Result:
        """Segment an image.

        Parameters
        ----------
        image
            (height, width, 3) u8 RGB of any size, or the path of an image file, or a PIL image.
        iterations
            How often the block is executed, 1 to `max_iterations`. Default: `iterations`, as trained.

        Raises
        ------
        InvalidArgumentError
            For an image of another type, dtype or shape, or an iteration count out of range.
        MissingFileError
            If the image is a path without a file.
        """
        count = self._check_iterations(iterations)
        pixels = self._read_image(image)
        height, width = pixels.shape[:2]
        with self._session(height, width) as session:
            session.start(pixels)
            for _ in range(count):
                session.iterate()
            quantized = session.answer()
        return Result(self, height, width, count, lambda: quantized)

    def stream(self, image: Image, iterations: int | None = None) -> Iterator[Result]:
        """Segment an image and give an answer after every iteration; arguments and errors are those of `run`.

        The next iteration is executed when the next answer is asked for. The head runs for the answers that are looked
        at or still held when the stream moves on, the labels are computed when they are read.
        """
        count = self._check_iterations(iterations)
        return self._stream(self._read_image(image), count)

    def _stream(self, pixels: NDArray[np.uint8], count: int) -> Iterator[Result]:
        height, width = pixels.shape[:2]
        with self._session(height, width) as session:
            session.start(pixels)
            for iteration in range(1, count + 1):
                session.iterate()
                result = Result(self, height, width, iteration, session.answer)
                latest = weakref.ref(result)
                try:
                    yield result
                finally:  # the state is about to change: by the next iteration, or by the session's next user
                    del result
                    if (held := latest()) is not None:
                        _ = held.quantized_logits
                    del held

    def taps(
        self, image: Image, iterations: int | None = None, names: Sequence[str] | None = None
    ) -> dict[tuple[str, int | None], NDArray[np.uint8]]:
        """Run and copy out tensors as they were written: for parity reports, debugging and curiosity.

        Parameters
        ----------
        names
            The tensors to copy (`tensor_names`). Default: all.

        Returns
        -------
        Arrays (height, width, channels) u8 by (tensor name, step). The stem's tensors have step None; those of the
        block and of the head, which runs after every iteration here, have steps from 0.
        """
        count = self._check_iterations(iterations)
        pixels = self._read_image(image)
        all_names = self.tensor_names
        wanted = all_names if names is None else list(names)
        for name in wanted:
            if name not in all_names:
                raise InvalidArgumentError(f"taps: expected names of tensors ({', '.join(all_names)}), found {name!r}")
        height, width = pixels.shape[:2]
        session = _core.Session(self._program, height, width, self._threads, fusion=False)
        session.record([all_names.index(name) for name in wanted])
        session.start(pixels)
        found: dict[tuple[str, int | None], NDArray[np.uint8]] = {
            (all_names[index], None): array for index, array in session.take()
        }
        for step in range(count):
            session.iterate()
            session.answer()
            found.update({(all_names[index], step): array for index, array in session.take()})
        return found

    def execution(self, height: int | None = None, width: int | None = None) -> tuple[ExecutedOperator, ...]:
        """The operators with the kernels that run them, what is computed in one, and what runs in stripes.

        Parameters
        ----------
        height, width
            An image's size: needed where the stripes depend on it ("auto").

        Raises
        ------
        InvalidArgumentError
            For a size that no image has, or none where the stripes depend on it.
        """
        from itrt.execution import executed_operators  # `import itrt` stays small

        if height is not None and width is not None:
            stripes = self.stripes(height, width)
        elif self._chooses_stripes or height is not None or width is not None:
            raise InvalidArgumentError(f"execution: expected an image's height and width, found {height} and {width}")
        else:
            stripes = named_stripes(self._program, self._stripe_rows)
        return executed_operators(self._program, stripes)

    def profile(self, image: Image, iterations: int | None = None, repeats: int = 20) -> Profile:
        """Run `repeats` times and measure every operator by itself, without any fusion; see `run` for the arguments.

        The sum of the rows is more than a run takes where the runtime fuses operators.
        """
        from itrt.profile import Profile, Profiler  # `import itrt` stays small: few runs are profiled

        count = self._check_iterations(iterations)
        checked_repeats = _check_count("repeats", repeats, None)
        pixels = self._read_image(image)
        height, width = pixels.shape[:2]
        rows = Profiler(self._program, height, width, self._threads).rows(pixels, count, checked_repeats)
        return Profile(self.name, height, width, count, self._threads, self.isa, checked_repeats, rows)

    @property
    def tensor_names(self) -> list[str]:
        """The names of all tensors of the program."""
        return [tensor.name for tensor in self._program.tensors]

    def labels_from_logits(self, quantized: NDArray[np.uint8], height: int, width: int) -> NDArray[Any]:
        """Resample logits, (h, w, classes) u8, to an image size and take the best class of every pixel."""
        return self._program.labels(quantized, height, width, self._threads)

    def __repr__(self) -> str:
        return (
            f"Model(name={self.name!r}, classes={len(self.classes)}, iterations={self.iterations}, "
            f"max_iterations={self.max_iterations}, threads={self.threads}, isa={self.isa!r})"
        )

    def _check_iterations(self, iterations: int | None) -> int:
        if iterations is None:
            return self.iterations
        return _check_count("iterations", iterations, self.max_iterations)

    def _read_image(self, image: Image) -> NDArray[np.uint8]:
        pixels = read_image(image)
        return pixels if self._program.color_order == "RGB" else np.ascontiguousarray(pixels[:, :, ::-1])

    def _new_session(self, height: int, width: int) -> _core.Session:
        stripes = self._stripes_of(height, width)
        return _core.Session(self._program, height, width, self._threads, stripes=stripes)

    @contextmanager
    def _session(self, height: int, width: int) -> Iterator[_core.Session]:
        """A session of this size for one run: one that idles, or a new one."""
        size = (height, width)
        with self._lock:
            match = next((entry for entry in self._idle if entry[0] == size), None)
            if match is not None:
                self._idle.remove(match)
        session = match[1] if match is not None else self._new_session(height, width)
        try:
            yield session
        finally:
            with self._lock:
                self._idle.append((size, session))
                del self._idle[:-_IDLE_SESSIONS]


_models: weakref.WeakSet[Model] = weakref.WeakSet()


def _renew_locks() -> None:
    for model in list(_models):
        model._lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_locks)

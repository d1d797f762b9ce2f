"""A model and its runs: argument checks around the compiled Program and Session."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from itrt import _core
from itrt._core import CancelToken
from itrt.anytime import Clock, Limits, MakeResult, Run
from itrt.arguments import check_count, check_positive
from itrt.errors import InvalidArgumentError
from itrt.images import Image, each_image, read_image
from itrt.result import Result
from itrt.sessions import Sessions
from itrt.stop import Rule
from itrt.stream import Stream
from itrt.stripes import AUTO, Stripe, StripeChoice, StripeRow, named_stripes, stripe_rows

if TYPE_CHECKING:
    from itrt.execution import ExecutedOperator
    from itrt.frames import Video, Warmth
    from itrt.profile import Profile

_IDLE_SESSIONS = 4  # kept for the next run of the same size, over all sizes
_WARM_SHARE, _WARM_STEP = 0.5, 1  # measured: docs/anytime.md
_MAX_EXTENT = 1 << 33  # of an image's height or width: no tensor may be larger


class Model:
    """A loaded network. It may be used by several Python threads at the same time; a run releases the GIL."""

    def __init__(
        self,
        program: _core.Program,
        threads: int,
        file_bytes: int,
        stripes: StripeChoice = None,
        idle: int = _IDLE_SESSIONS,
    ):
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
        self._stripes_argument = stripes
        self._stripes_of = _striping(program, self._chooses_stripes, self._stripe_rows)
        self._sessions = Sessions(_session_maker(program, threads, self._stripes_of), idle)
        self._single: Model | None = None  # the same network with one thread
        self._clock: Clock = time.monotonic

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

    def check_iterations(self, iterations: int | None) -> int:
        """Return how many iterations a run has that is asked for these (None: as trained).

        Raises InvalidArgumentError if that is no integer from 1 to `max_iterations`.
        """
        if iterations is None:
            return self.iterations
        return check_count("iterations", iterations, self.max_iterations)

    def arena_bytes(self, height: int, width: int) -> int:
        """Bytes of the one arena that holds all activations of a run on images of this size."""
        checked = check_count("height", height, _MAX_EXTENT), check_count("width", width, _MAX_EXTENT)
        return int(self._program.arena_bytes(*checked, self._stripes_of(*checked)))

    def stripes(self, height: int, width: int) -> tuple[Stripe, ...]:
        """The stripes of a run on images of this size."""
        checked = check_count("height", height, _MAX_EXTENT), check_count("width", width, _MAX_EXTENT)
        return named_stripes(self._program, self._stripes_of(*checked))

    def run(
        self,
        image: Image,
        iterations: int | None = None,
        *,
        deadline_ms: float | None = None,
        stop: Rule | None = None,
        cancel: CancelToken | None = None,
    ) -> Result:
        """Segment an image. What comes first ends the run: `Result.stopped` says what it was.

        Parameters
        ----------
        image
            (height, width, 3) u8 RGB of any size, or the path of an image file, or a PIL image.
        iterations
            How often the block is executed, 1 to `max_iterations`. Default: `iterations`, as trained.
        deadline_ms
            Milliseconds from this call until the result and its labels shall be there: an iteration is only begun if
            it is expected to fit, and is ended where it does not. A first run of a size plans its memory, which counts.
        stop
            A rule of `itrt.stop`, or a function of a result and the one before it (or None) that says whether to stop.
        cancel
            A token; when another thread cancels it, the run ends before its next operator.

        Raises
        ------
        InvalidArgumentError
            For an image of another type, dtype or shape, an iteration count out of range, or what is no limit.
        MissingFileError
            If the image is a path without a file.
        DeadlineExceeded, CancelledError
            If that was before the first iteration was done.
        Interrupted
            At Ctrl-C, a KeyboardInterrupt with the result of the iterations that are done.
        """
        begin = self._clock()
        limits = Limits(self.check_iterations(iterations), deadline_ms, stop, cancel).check()
        pixels = self._read_image(image)
        height, width = pixels.shape[:2]
        with self._sessions.session(height, width) as session:
            return Run(session, limits, self._result_maker(height, width), self._clock, begin).result(pixels)

    def stream(
        self,
        image: Image,
        iterations: int | None = None,
        *,
        stop: Rule | None = None,
        cancel: CancelToken | None = None,
    ) -> Stream:
        """Segment an image and give an answer after every iteration; arguments are those of `run`.

        The next iteration is executed when the next answer is asked for; `Stream.resume` allows more.
        """
        limits = Limits(self.check_iterations(iterations), stop=stop, cancel=cancel).check()
        pixels = self._read_image(image)
        maker = self._result_maker(*pixels.shape[:2])
        return Stream(self._sessions, pixels, limits, self.max_iterations, maker, self._clock)

    def map(
        self,
        images: Iterable[Image],
        iterations: int | None = None,
        *,
        stop: Rule | None = None,
        cancel: CancelToken | None = None,
    ) -> Generator[Result, None, None]:
        """Segment many images, as many at a time as there are `threads`, each by one; results in order, with labels.

        So no thread waits for another between operators. Images are taken when their turn is near; ``close`` ends it.

        Parameters
        ----------
        images
            Any iterable of what `run` takes, of any sizes; or an array (images, height, width, 3) u8.
        iterations, stop, cancel
            As in `run`, for every image. A cancelled token ends the results.

        Raises
        ------
        InvalidArgumentError, MissingFileError
            When the image's turn comes, after the results before it; they name its index.
        Interrupted
            At Ctrl-C, with the results that are there and were not yet given.
        """
        from itrt.batch import run_in_order  # `import itrt` stays small

        count = self.check_iterations(iterations)
        Limits(count, stop=stop, cancel=cancel).check()
        single = self._single_threaded()

        def run(image: Image, token: CancelToken) -> Result:
            result = single.run(image, count, stop=stop, cancel=token)
            _ = result.labels  # by this thread
            return result

        return run_in_order(run, each_image("map: images", images), self._threads, cancel)

    def video(
        self,
        frames: Iterable[Image],
        iterations: int | None = None,
        *,
        warm: bool = False,
        share: float = _WARM_SHARE,
        first_step: int | None = None,
        deadline_ms: float | None = None,
        stop: Rule | None = None,
        cancel: CancelToken | None = None,
    ) -> Video:
        """Segment the frames of a video, all of one size, one after another.

        Parameters
        ----------
        frames
            Any iterable of what `run` takes, such as `itrt.video.VideoReader`; a frame is taken when it is asked for.
        warm
            Mix the state that the last frame ended with into the stem's: docs/anytime.md says when that helps.
        share
            Of a warm start: the last state's share of the first one, more than 0 and at most 1, in 256ths.
        first_step
            Of a warm start: the step, from 0, whose batch normalization the first iteration takes; the next ones take
            the next steps', then the last one's. None: the second step's, if the network has one.
        iterations, deadline_ms, stop, cancel
            As in `run`, for every frame; the deadline counts from the moment at which the frame was there. A cancelled
            token ends the video.

        Raises
        ------
        InvalidArgumentError
            Here for the arguments and a warm start of a network without a loop; from the iterator, for a frame of
            another size than the first.
        """
        from itrt.frames import Video  # `import itrt` stays small

        limits = Limits(self.check_iterations(iterations), deadline_ms, stop, cancel).check()
        if not isinstance(warm, bool):
            raise InvalidArgumentError(f"warm: expected True or False, with the share in share, found {warm!r}")
        warmth = self._warmth(share, first_step) if warm else None
        images = each_image("video: frames", frames)
        return Video(images, self._read_image, self._sessions, limits, warmth, self._result_maker, self._clock)

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
        count = self.check_iterations(iterations)
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

        count = self.check_iterations(iterations)
        checked_repeats = check_count("repeats", repeats, None)
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

    def _warmth(self, share: float, first_step: int | None) -> Warmth:
        from itrt.frames import Warmth

        if self._program.state is None:
            raise InvalidArgumentError(f"warm: expected a network with a loop, found {self.name} without one")
        steps = self.max_iterations
        last = None if steps is None else steps - 1
        if first_step is None:
            first_step = _WARM_STEP if last is None else min(_WARM_STEP, last)
        step = check_count("first_step", first_step, last, lowest=0)
        return Warmth(max(round(256 * check_positive("share", share, 1)), 1), step)

    def _read_image(self, image: Image) -> NDArray[np.uint8]:
        pixels = read_image(image)
        return pixels if self._program.color_order == "RGB" else np.ascontiguousarray(pixels[:, :, ::-1])

    def _result_maker(self, height: int, width: int) -> MakeResult:
        return lambda iterations, answer: Result(self, height, width, iterations, answer)

    def _single_threaded(self) -> Model:
        """The same network with one thread a run, and sessions for as many runs at a time as this has threads."""
        if self._threads == 1:
            return self
        if self._single is None:
            self._single = Model(self._program, 1, self._file_bytes, self._stripes_argument, idle=self._threads)
        return self._single


def _striping(
    program: _core.Program, chooses: bool, rows: Sequence[StripeRow]
) -> Callable[[int, int], Sequence[StripeRow]]:
    """The stripes by height and width. No method: a model is freed at once when nothing holds it that it holds."""
    return program.choose_stripes if chooses else lambda height, width: rows


def _session_maker(
    program: _core.Program, threads: int, stripes_of: Callable[[int, int], Sequence[StripeRow]]
) -> Callable[[int, int], _core.Session]:
    return lambda height, width: _core.Session(program, height, width, threads, stripes=stripes_of(height, width))

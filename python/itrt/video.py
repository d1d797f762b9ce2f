"""Videos in and out: the only module that imports PyAV, and only when a video is asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itrt.errors import InvalidArgumentError, MissingDependencyError, MissingFileError

Pixels = NDArray[np.uint8]

SUFFIXES = frozenset({".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg"})
_CONTAINERS = {".mp4": "mp4", ".mkv": "matroska"}  # what is written
_DEFAULT_RATE = Fraction(25)  # frames a second, of a file that does not say


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingDependencyError("PyAV: expected for videos, found none; pip install 'itrt[video]'") from error
    return av


def is_video(path: Path) -> bool:
    """Whether a file's name is that of a video."""
    return path.suffix.lower() in SUFFIXES


class VideoReader:
    """The frames of a video file, a context manager.

    Attributes
    ----------
    frame_rate
        Frames a second.
    frames
        How many the file says it has, or None if it does not say.

    Raises
    ------
    MissingFileError, MissingDependencyError
        If there is no such file; if PyAV is not installed.
    InvalidArgumentError
        If the file is no video.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise MissingFileError(f"video: expected a file at {path}, found none")
        av = _pyav()
        self._path = path
        self._error = av.FFmpegError
        try:
            self._container = av.open(str(path))
        except self._error as error:
            raise InvalidArgumentError(f"video {path}: expected a video file, found {error}") from error
        if not self._container.streams.video:
            self._container.close()
            raise InvalidArgumentError(f"video {path}: expected a video stream, found none")
        stream = self._container.streams.video[0]
        stream.thread_type = "AUTO"
        self.frame_rate = Fraction(stream.average_rate or _DEFAULT_RATE)
        self.frames: int | None = stream.frames or None

    def __iter__(self) -> Iterator[Pixels]:
        """Yield the frames in order, uint8 (height, width, 3), RGB, all of one size.

        Raises InvalidArgumentError where a frame cannot be decoded or has another size than the first.
        """
        expected: tuple[int, ...] = ()
        number = 0
        try:
            for number, frame in enumerate(self._container.decode(video=0), start=1):
                pixels: Pixels = frame.to_ndarray(format="rgb24")
                expected = expected or pixels.shape
                if pixels.shape != expected:
                    raise InvalidArgumentError(
                        f"video {self._path}, frame {number}: expected {expected[0]}x{expected[1]} (height x width) as "
                        f"before, found {pixels.shape[0]}x{pixels.shape[1]}"
                    )
                yield pixels
        except self._error as error:
            raise InvalidArgumentError(
                f"video {self._path}, frame {number + 1}: expected a frame, found undecodable data: {error}"
            ) from error

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()


def check_video_path(path: Path) -> None:
    """Raise InvalidArgumentError or MissingFileError if a video cannot be written there."""
    if path.suffix.lower() not in _CONTAINERS:
        found = path.suffix or "none"
        raise InvalidArgumentError(f"output {path}: expected a name that ends in .mp4 or .mkv, found {found}")
    if not path.parent.is_dir():
        raise MissingFileError(f"output {path}: expected the directory {path.parent}, found none")


class VideoWriter:
    """A video in H.264 that grows beside its target and is renamed to it at the end, a context manager.

    When an error ends the context, the frames that were written until then become the target: they are a whole video.

    Parameters
    ----------
    path
        Ends in .mp4 or .mkv.
    frame_rate
        Frames a second.
    """

    def __init__(self, path: Path, frame_rate: Fraction) -> None:
        check_video_path(path)
        self._av = _pyav()
        self._path, self._frame_rate = path, frame_rate
        self._folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.")
        self._partial = Path(self._folder.name) / path.name
        self._container = self._av.open(str(self._partial), "w", format=_CONTAINERS[path.suffix.lower()])
        self._stream: Any = None

    def write(self, pixels: Pixels) -> None:
        """Append a frame, uint8 (height, width, 3), RGB; all have the first one's size.

        An odd height or width is made even by repeating the last row or column: 4:2:0 halves both.
        """
        height, width = pixels.shape[:2]
        even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._stream is None:
            # Quality 18 of H.264's 0 to 51: hardly to be told from the original; lines between classes stay sharp.
            self._stream = self._container.add_stream("libx264", rate=self._frame_rate, options={"crf": "18"})
            self._stream.height, self._stream.width = even.shape[:2]
            self._stream.pix_fmt = "yuv420p"
        frame = self._av.VideoFrame.from_ndarray(even, format="rgb24")
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))
            self._container.close()
            if self._stream is not None:
                self._partial.replace(self._path)
        finally:
            self._folder.cleanup()

"""``itrt run`` on a video: label pictures a frame, overlays as a video."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from itrt import Model
from itrt.cli import console
from itrt.cli.errors import interrupted
from itrt.cli.segment import RunLimits, Segmenter, Targets, count_classes, print_shares
from itrt.errors import InvalidArgumentError
from itrt.files import make_directory
from itrt.video import VideoReader, VideoWriter, check_video_path


@dataclass
class Done:
    """What was written: frames, and how many of their pixels each class has."""

    frames: int
    pixels_of: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def run_video(video: Path, targets: Targets, load: Callable[[], Model], limits: RunLimits) -> None:
    """Segment the frames of a video, one after the other.

    Labels are 000001.png, 000002.png, ... in the directory ``targets.output``; overlays and contact sheets are videos
    with the same frame rate. What is done when a frame cannot be decoded, or has another size, or Ctrl-C is pressed, is
    kept.

    Raises
    ------
    InvalidArgumentError, MissingFileError, MissingDependencyError
        If no pictures are asked for, a path is wrong, PyAV is missing, or a frame is damaged or changes its size.
    """
    if not targets.options:
        raise InvalidArgumentError("video: expected --output, --overlay or --contact-sheet, found none of them")
    drawn = {name: path for name, path in targets.options.items() if name != "--output"}
    for path in drawn.values():
        check_video_path(path)
        if path.resolve() == video.resolve():
            raise InvalidArgumentError(f"output {path}: expected a file other than the video, found the video itself")
    done = Done(0)
    begin = time.perf_counter()
    try:
        model = _segment(video, targets, drawn, load, limits, done)
    except KeyboardInterrupt:
        raise interrupted(f"{console.counted(done.frames, 'frame')} kept in {_names(targets)}") from None
    if not done.frames:
        raise InvalidArgumentError(f"video {video}: expected at least one frame, found none")
    rate = done.frames / (time.perf_counter() - begin)
    count = console.counted(done.frames, "frame")
    facts = f"{count}, {rate:.1f} a second with reading and writing, {console.counted(model.threads, 'thread')}"
    print_shares(model, f"{video} by {model.name}: {facts}", done.pixels_of)
    for path in targets.options.values():
        console.output().print(f"wrote {count} to {path}", markup=False, soft_wrap=True)


def _segment(
    video: Path,
    targets: Targets,
    drawn: dict[str, Path],
    load: Callable[[], Model],
    limits: RunLimits,
    done: Done,
) -> Model:
    """Write every frame's pictures and count them in `done`; the videos are whole when this ends, however it ends."""
    with ExitStack() as stack:
        reader = stack.enter_context(VideoReader(video))
        segmenter = Segmenter(load(), limits, targets, all_classes=True)
        model = segmenter.model
        done.pixels_of = np.zeros(len(model.classes), np.int64)
        if targets.output is not None:
            make_directory(targets.output)
        writers = {name: stack.enter_context(VideoWriter(path, reader.frame_rate)) for name, path in drawn.items()}
        progress = stack.enter_context(console.progress())
        task = progress.add_task("frames", total=reader.frames)
        for number, pixels in enumerate(reader, start=1):
            results = segmenter.answers(pixels)
            if targets.output is not None:
                results[-1].save(targets.output / f"{number:06d}.png")
            if "--overlay" in writers:
                writers["--overlay"].write(segmenter.overlay(pixels, results[-1]))
            if "--contact-sheet" in writers:
                writers["--contact-sheet"].write(segmenter.contact_sheet(pixels, results))
            done.frames = number
            done.pixels_of += count_classes(results[-1].labels, len(model.classes))
            progress.advance(task)
    return model


def _names(targets: Targets) -> str:
    return ", ".join(str(path) for path in targets.options.values())

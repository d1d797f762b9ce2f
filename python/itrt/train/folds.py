"""Folds that leave whole videos out: frames of one video are no independent test of what was learned from others of it.

0001TP  ████ train     0001TP  ▒▒▒▒ measured    0001TP  ████ train
0006R0  ████ train     0006R0  ████ train       0006R0  ▒▒▒▒ measured    ...
0016E5  ▒▒▒▒ measured  0016E5  ████ train       0016E5  ████ train
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import PurePath

from itrt.errors import InvalidArgumentError
from itrt.train.data import ImageSet, SegmentationData


def video_of(name: str) -> str:
    """Return the video that a frame belongs to: its file's name up to the first underscore ("0001TP_006690.png")."""
    return PurePath(name).name.partition("_")[0]


def videos_of(images: ImageSet) -> dict[str, int]:
    """Return the videos of a set and how many frames each has, in the order of the set."""
    counts: dict[str, int] = {}
    for name in images.names:
        counts[video_of(name)] = counts.get(video_of(name), 0) + 1
    return counts


def leave_out(data: SegmentationData, videos: Collection[str]) -> SegmentationData:
    """Return the data with these videos' training frames as its validation set, and the others' as its training set.

    The validation set of ``data`` is not used: it may hold further frames of a video that is trained on.

    Raises
    ------
    InvalidArgumentError
        If the training set has no such video, or no other one.
    """
    found = videos_of(data.train)
    for video in videos:
        if video not in found:
            raise InvalidArgumentError(
                f"leave_out: expected videos of {', '.join(found) or 'named images'}, found {video}"
            )
    if not found.keys() - set(videos):
        raise InvalidArgumentError(
            f"leave_out: expected a video to be left to train on, found all of {', '.join(found)}"
        )
    left_out = [video_of(name) in videos for name in data.train.names]
    return replace(
        data,
        train=data.train.take([index for index, out in enumerate(left_out) if not out]),
        validation=data.train.take([index for index, out in enumerate(left_out) if out]),
    )

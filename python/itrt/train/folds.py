"""Folds that leave whole videos out: frames of one video are no independent test of what was learned from others of it.

0001TP  ████ train     0001TP  ▒▒▒▒ measured    0001TP  ████ train
0006R0  ████ train     0006R0  ████ train       0006R0  ▒▒▒▒ measured    ...
0016E5  ▒▒▒▒ measured  0016E5  ████ train       0016E5  ████ train
"""

from collections.abc import Collection
from dataclasses import replace
from itertools import islice
from pathlib import PurePath

from itrt.errors import InvalidArgumentError
from itrt.train.data import ImageSet, SegmentationData

_NAMED = "named after their video and an underscore, such as 0001TP_006690.png"
_LISTED = 8


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
        If the training set has no such video (a data set may have none at all), or no other one.
    """
    found = videos_of(data.train)
    if not found:
        raise InvalidArgumentError(f"leave_out: expected frames {_NAMED}, found images without names")
    for video in videos:
        if video not in found:
            raise InvalidArgumentError(
                f"leave_out: expected videos of {_listed(found)}, found {video}; frames are {_NAMED}"
            )
    if not found.keys() - set(videos):
        raise InvalidArgumentError(f"leave_out: expected a video to be left to train on, found all of {_listed(found)}")
    left_out = [video_of(name) in videos for name in data.train.names]
    return replace(
        data,
        train=data.train.take([index for index, out in enumerate(left_out) if not out]),
        validation=data.train.take([index for index, out in enumerate(left_out) if out]),
    )


def _listed(videos: Collection[str]) -> str:
    """The first few: of a data set without videos, every image may look like one."""
    first = ", ".join(islice(videos, _LISTED))
    return first if len(videos) <= _LISTED else f"{first} and {len(videos) - _LISTED} more"

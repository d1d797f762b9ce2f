"""What is compared: named variants of one small network and one short recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from itrt.errors import InvalidArgumentError
from itrt.nn import ItNetSettings
from itrt.text import counted
from itrt.train import Recipe

Measure = Literal["parameters", "graph_bytes"]
ITERATIONS = 4


@dataclass(frozen=True)
class Budget:
    """What all runs of a series have in common.

    The defaults are for CamVid without one video and about two minutes of one core a run.

    Parameters
    ----------
    epochs
        Passes over the training images.
    crop
        Height and width of a training sample, in pixels of the reduced images.
    channels
        Of the network that the others are compared with, at 1/4, 1/8 and 1/16; its stem has half of the first.
    reduction
        Images are averaged over squares of this many pixels a side, for training and for measuring.
    """

    epochs: int = 30
    crop: tuple[int, int] = (96, 128)
    channels: tuple[int, int, int] = (24, 36, 48)
    reduction: int = 2

    def __post_init__(self) -> None:
        # A file brings lists: tuples are comparable with what a command line brings.
        object.__setattr__(self, "crop", tuple(self.crop))
        object.__setattr__(self, "channels", tuple(self.channels))
        if self.reduction < 1:
            raise InvalidArgumentError(f"reduction: expected at least 1, found {self.reduction}")

    def settings(self, classes: int, changes: Mapping[str, Any]) -> ItNetSettings:
        """Return the structure of a variant's network; InvalidArgumentError as `ItNetSettings`."""
        base = {
            "classes": classes,
            "channels": self.channels,
            "stem_channels": max(self.channels[0] // 2, 1),
            "iterations": ITERATIONS,
        }
        return ItNetSettings(**{**base, **changes})

    def recipe(self, seed: int, changes: Mapping[str, Any]) -> Recipe:
        """Return how a variant is trained; InvalidArgumentError as `Recipe`.

        float32 everywhere: a machine that is fast at bfloat16 would not go on with the series, but begin another.
        """
        base = {
            "epochs": self.epochs,
            "crop": self.crop,
            "light": 0.5,
            "blur": 0.2,
            "noise": 0.2,
            "average_decay": 0.98,
            "loss_stride": 4,
            "autocast": False,
            "validate_every": self.epochs,
            "seed": seed,
        }
        return Recipe(**{**base, **changes})


@dataclass(frozen=True)
class Variant:
    """A network and its training, as differences from the base.

    Parameters
    ----------
    name
        Names the files of its runs.
    network, recipe
        Settings of `ItNetSettings` and of `Recipe` that differ.
    narrowed_to
        Its channels are scaled until this measure of its graph is as close to the base's as whole channels can be.
    """

    name: str
    network: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    narrowed_to: Measure | None = None


@dataclass(frozen=True)
class Ablation:
    """One question; its variants by what they are called in the answer. One of them is `BASE`."""

    name: str
    question: str
    variants: Mapping[str, Variant]


BASE = Variant("base")
_SEPARATE = {"share_weights": False}


def _of_iterations(count: int) -> Variant:
    return BASE if count == ITERATIONS else Variant(f"iterations-{count}", {"iterations": count})


ABLATIONS: tuple[Ablation, ...] = (
    Ablation(
        "outputs",
        "Is the loss taken from the outputs after every iteration, or from the last one alone?",
        {
            "after every iteration": BASE,
            "the last alone": Variant("last-output", recipe={"iteration_weights": (0.0,) * (ITERATIONS - 1) + (1.0,)}),
        },
    ),
    Ablation(
        "weights",
        "Do iterations share their weights, or has each one its own?",
        {
            "shared": BASE,
            "separate, as many channels": Variant("separate", _SEPARATE),
            "separate, as many parameters": Variant("separate-parameters", _SEPARATE, narrowed_to="parameters"),
            "separate, as large a graph": Variant("separate-graph", _SEPARATE, narrowed_to="graph_bytes"),
        },
    ),
    Ablation(
        "batch-norm",
        "Has every iteration a batch normalization of its own, or do they share one?",
        {"one an iteration": BASE, "shared": Variant("shared-batch-norm", {"batch_norm": "shared"})},
    ),
    Ablation(
        "iterations",
        "How many iterations?",
        {counted(count, "iteration"): _of_iterations(count) for count in range(1, 9)},
    ),
)


def chosen(names: list[str] | None) -> tuple[Ablation, ...]:
    """Return the ablations with these names, all of them for none; raise InvalidArgumentError for an unknown name."""
    known = {ablation.name: ablation for ablation in ABLATIONS}
    for name in names or ():
        if name not in known:
            raise InvalidArgumentError(f"ablation: expected one of {', '.join(known)}, found {name}")
    return tuple(known[name] for name in dict.fromkeys(names or known))

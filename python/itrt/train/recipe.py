"""The recipe: every setting of a training except the network's structure and the data."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from itrt.errors import InvalidArgumentError
from itrt.train.schedule import one_cycle, trapezoid

ClassWeighting = Literal["enet", "median_frequency", "none"]
Schedule = Literal["one_cycle", "trapezoid"]


@dataclass(frozen=True)
class Recipe:
    """How to train; together with network settings, data and machine it determines the weights bit for bit.

    Parameters
    ----------
    epochs, batch_size
        Passes over the training images; images per optimizer step.
    crop
        Height and width, in pixels, of a training sample. The smallest side that any image may have after padding.
    early_crop, early_epochs
        The crop of the first epochs, and how many these are: smaller ones cost less while there is most to learn
        (arXiv 2104.00298).
    scale
        Lowest and highest random magnification before the crop.
    flip, colour
        Probability of a horizontal flip; strength of the random brightness, contrast, saturation and colour gain.
    light, blur, noise
        Strength of random exposure, gamma and colour temperature; probabilities of blur and of sensor noise
        (``itrt.train.photometric``).
    class_crop
        Probability that a crop is placed around a pixel of a class that is drawn uniformly from the image's.
    paste
        Probability that half of the classes of another sample are pasted over a sample (arXiv 2007.07936).
    learning_rate, weight_decay, gradient_clip
        AdamW (arXiv 1711.05101) with this peak of the schedule; gradients are clipped to this total norm.
    schedule, warmup, cooldown
        "one_cycle" (arXiv 1708.07120) or "trapezoid" (arXiv 2405.18392), whose total may be decided late; the share of
        steps that rise to the peak; the share that falls from it (trapezoid alone).
    average_decay
        The moving average of the weights keeps this share of itself in a step, and is what is measured and written
        (arXiv 1806.05594); 0: the last weights are.
    iteration_weights
        Weight of each iteration's loss, first to last; None: rising linearly from 0.4 to 1.
    class_weighting, class_weight_cap
        "enet" (arXiv 1606.02147), "median_frequency" (arXiv 1411.4734) or "none"; the largest weight of a class
        relative to the mean weight of a pixel.
    loss_stride
        The loss is taken on every n-th label row and column, from an offset drawn each step: the mean of a stride's
        losses is that of 1, and 4 costs a sixteenth of it.
    lovasz
        Weight of the last iteration's Lovasz-softmax loss (arXiv 1705.08790), which is added to the cross-entropy.
    distillation
        Weight of the divergence from a teacher's probabilities (``itrt.train.distillation``), which is added; counts
        only if there is a teacher.
    autocast
        Compute in bfloat16 where PyTorch's autocast does; None: if the device is fast at it.
    validate_every
        Validate after every n-th epoch, and always after the last.
    seed
        Seed of the initial weights, the order and the augmentation.
    mean, standard_deviation
        Per channel RGB, on the 0..1 scale, for normalization; ImageNet's by default.
    """

    epochs: int = 60
    batch_size: int = 8
    crop: tuple[int, int] = (256, 352)
    early_crop: tuple[int, int] = (192, 256)
    early_epochs: int = 0
    scale: tuple[float, float] = (0.75, 1.5)
    flip: float = 0.5
    colour: float = 0.25
    light: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    class_crop: float = 0.0
    paste: float = 0.0
    learning_rate: float = 4e-3
    weight_decay: float = 2e-2
    gradient_clip: float = 5.0
    schedule: Schedule = "one_cycle"
    warmup: float = 0.2
    cooldown: float = 0.3
    average_decay: float = 0.0
    iteration_weights: tuple[float, ...] | None = None
    class_weighting: ClassWeighting = "enet"
    class_weight_cap: float = 5.0
    loss_stride: int = 2
    lovasz: float = 0.0
    distillation: float = 1.0
    autocast: bool | None = None
    validate_every: int = 4
    seed: int = 0
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    standard_deviation: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        for field in fields(self):  # lists, from a file, become tuples: comparable and hashable
            value = getattr(self, field.name)
            if isinstance(value, list):
                object.__setattr__(self, field.name, tuple(value))
        for name in ("epochs", "batch_size", "loss_stride", "validate_every"):
            self._check(name, getattr(self, name) >= 1, "at least 1")
        for name in ("learning_rate", "gradient_clip", "class_weight_cap"):
            self._check(name, getattr(self, name) > 0, "more than 0")
        for name in ("weight_decay", "colour", "light", "early_epochs", "lovasz", "distillation"):
            self._check(name, getattr(self, name) >= 0, "at least 0")
        for name in ("flip", "blur", "noise", "class_crop", "paste"):
            self._check(name, 0 <= getattr(self, name) <= 1, "a probability from 0 to 1")
        for name in ("warmup", "cooldown"):
            self._check(name, 0 < getattr(self, name) < 1, "a share between 0 and 1")
        self._check("average_decay", 0 <= self.average_decay < 1, "at least 0 and less than 1")
        self._check("schedule", self.schedule in ("one_cycle", "trapezoid"), "one_cycle or trapezoid")
        for name in ("crop", "early_crop"):
            size = getattr(self, name)
            self._check(name, len(size) == 2 and min(size) >= 16, "a height and a width of at least 16")
        self._check("scale", len(self.scale) == 2 and 0 < self.scale[0] <= self.scale[1], "0 < lowest <= highest")
        self._check(
            "class_weighting",
            self.class_weighting in ("enet", "median_frequency", "none"),
            "enet, median_frequency or none",
        )
        self._check("standard_deviation", min(self.standard_deviation) > 0, "more than 0")
        if self.iteration_weights is not None:
            weights = self.iteration_weights
            self._check(
                "iteration_weights", min(weights, default=-1) >= 0 and sum(weights) > 0, "weights >= 0, not all 0"
            )

    def _check(self, name: str, good: bool, expected: str) -> None:
        if not good:
            raise InvalidArgumentError(f"{name}: expected {expected}, found {getattr(self, name)}")

    def crop_of(self, epoch: int) -> tuple[int, int]:
        """Return height and width of the samples of an epoch, counted from 1."""
        return self.early_crop if epoch <= self.early_epochs else self.crop

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of optimizer step ``step``, from 0, of ``steps``."""
        if self.schedule == "trapezoid":
            return trapezoid(step, steps, self.learning_rate, self.warmup, self.cooldown)
        return one_cycle(step, steps, self.learning_rate, self.warmup)

    def weights_of_iterations(self, iterations: int) -> tuple[float, ...]:
        """Return the loss weight of each of ``iterations`` iterations; raise if the recipe holds another number."""
        weights = self.iteration_weights
        if weights is None:
            last = max(iterations - 1, 1)
            return tuple(0.4 + 0.6 * step / last for step in range(iterations)) if iterations > 1 else (1.0,)
        if len(weights) != iterations:
            raise InvalidArgumentError(
                f"iteration_weights: expected {iterations}, one for each iteration, found {len(weights)}"
            )
        return weights

    def differences(self, other: "Recipe") -> dict[str, tuple[Any, Any]]:
        """Return the settings that differ: name -> (mine, the other's)."""
        names = (field.name for field in fields(self))
        return {n: (getattr(self, n), getattr(other, n)) for n in names if getattr(self, n) != getattr(other, n)}

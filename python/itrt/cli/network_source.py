"""Which network ``itrt convert`` converts: that of a checkpoint of ``itrt train``, or what a factory makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from itrt.cli.calibration import CalibrationData
from itrt.errors import InvalidArgumentError, MissingFileError

if TYPE_CHECKING:
    from itrt.converter import Conversion

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class NetworkSource:
    """The options that say which network; ``trained`` is the checkpoint of ``itrt train``."""

    trained: Path | None
    model: str | None
    checkpoint: Path | None
    ignore_keys: Sequence[str]
    classes: str | None
    mean: Channels | None
    std: Channels | None

    def check(self, *, calibrated: bool) -> None:
        """Raise where options contradict each other or name no file; nothing is imported or read yet."""
        if self.trained is None and self.model is None:
            raise InvalidArgumentError("convert: expected a CHECKPOINT of itrt train or --model, found neither")
        if self.trained is None and not calibrated:
            raise InvalidArgumentError("--calibrate: expected images for a network of --model, found none")
        for file in (self.trained, self.checkpoint):
            if file is not None and not file.is_file():
                raise MissingFileError(f"checkpoint: expected a file, found none at {file}")
        if self.trained is None:
            return
        of_factory = {
            "--checkpoint": self.checkpoint,
            "--ignore-keys": self.ignore_keys,
            "--classes": self.classes,
            "--mean": self.mean,
            "--std": self.std,
        }
        for option, value in of_factory.items():
            if value:
                raise InvalidArgumentError(
                    f"{option}: expected without a CHECKPOINT of itrt train, found {self.trained}, which decides it"
                )

    def convert(self, output: Path, data: CalibrationData, **options: Any) -> Conversion:
        """Make the network and convert it; ``options`` are those of `itrt.convert`."""
        from itrt.converter import convert_checkpoint, make_network

        network = None if self.model is None else make_network(self.model)
        if self.trained is not None:
            return convert_checkpoint(
                self.trained, output, calibration=data.images, labels=data.labels, network=network, **options
            )
        return self._convert_with_weights(network, output, data.with_classes(self.classes), options)

    def _convert_with_weights(
        self, network: Any, output: Path, data: CalibrationData, options: dict[str, Any]
    ) -> Conversion:
        from itrt.converter import convert
        from itrt.nn import load_weights, read_weights

        if self.checkpoint is not None:
            weights = read_weights(self.checkpoint)
            load_weights(network, weights, source=str(self.checkpoint), ignore=self.ignore_keys)
        for name, value in (("mean", self.mean), ("std", self.std)):
            if value is not None:
                options[name] = value
        return convert(
            network,
            output,
            calibration=data.images,
            labels=data.labels,
            classes=data.classes,
            palette=data.palette,
            **options,
        )

"""Which network ``itrt convert`` and ``itrt debug`` take: that of a checkpoint of ``itrt train``, or a factory's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from itrt.cli.calibration import CalibrationData
from itrt.errors import InvalidArgumentError, MissingFileError

if TYPE_CHECKING:
    from torch import nn

    from itrt.converter import Conversion

Channels = tuple[float, float, float]

# Options of several commands
Trained = Annotated[Path | None, typer.Argument(metavar="CHECKPOINT", help="A checkpoint or network.pt of itrt train.")]
Factory = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="PACKAGE.MODULE:FACTORY",
        help="What makes the network. [default: the ItNet of CHECKPOINT]",
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(help="A state dict for --model, of torch or safetensors. [default: the factory's weights]"),
]
IgnoreKeys = Annotated[
    list[str] | None, typer.Option(help="Names in --checkpoint to leave out, such as 'aux_classifier.*'.")
]


@dataclass(frozen=True)
class NetworkSource:
    """The options that say which network; ``trained`` is the checkpoint of ``itrt train``."""

    trained: Path | None
    model: str | None
    checkpoint: Path | None
    ignore_keys: Sequence[str]
    classes: str | None = None
    mean: Channels | None = None
    std: Channels | None = None

    def check(self, *, calibrated: bool) -> None:
        """Raise where options contradict each other or name no file; nothing is imported or read yet."""
        if self.trained is None and self.model is None:
            raise InvalidArgumentError("network: expected a CHECKPOINT of itrt train or --model, found neither")
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

    def network(self) -> nn.Module:
        """Make the network, with its weights."""
        from itrt.train.checkpoint import load_network

        made = self._made()
        if self.trained is not None:
            return load_network(self.trained)[0] if made is None else load_network(self.trained, made)[0]
        assert made is not None, "check() was called"
        return self._with_weights(made)

    def convert(self, output: Path, data: CalibrationData, **options: Any) -> Conversion:
        """Make the network and convert it; ``options`` are those of `itrt.convert`."""
        from itrt.converter import convert_checkpoint

        if self.trained is None:
            return self._convert(self.network(), output, data.with_classes(self.classes), options)
        return convert_checkpoint(
            self.trained, output, calibration=data.images, labels=data.labels, network=self._made(), **options
        )

    def _made(self) -> nn.Module | None:
        from itrt.converter import make_network

        return None if self.model is None else make_network(self.model)

    def _with_weights(self, network: nn.Module) -> nn.Module:
        from itrt.nn import load_weights, read_weights

        if self.checkpoint is not None:
            weights = read_weights(self.checkpoint)
            load_weights(network, weights, source=str(self.checkpoint), ignore=self.ignore_keys)
        return network

    def _convert(self, network: nn.Module, output: Path, data: CalibrationData, options: dict[str, Any]) -> Conversion:
        from itrt.converter import convert

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

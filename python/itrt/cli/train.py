"""``itrt train``: options to a recipe, a progress bar; no logic."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from itrt.nn import AnytimeNetwork
    from itrt.quantize import FakeQuantizedNetwork
    from itrt.train import EpochReport, ImageSet, Recipe, StepReport

from itrt.cli.calibration import CALIBRATION_IMAGES
from itrt.cli.dataset import DATA_HELP, DATASET_HELP
from itrt.errors import InvalidArgumentError, MissingDependencyError


def train(
    output: Annotated[Path, typer.Option(help="Directory for checkpoints, log.csv and network.pt.")],
    data: Annotated[str, typer.Option(help=DATA_HELP)],
    dataset: Annotated[str | None, typer.Option(help=DATASET_HELP)] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="A video of the training set to measure on instead; repeatable.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 60,
    batch_size: Annotated[int, typer.Option(min=1)] = 8,
    crop: Annotated[tuple[int, int], typer.Option(help="Height and width of a sample, in pixels.")] = (256, 352),
    early_crop: Annotated[tuple[int, int], typer.Option(help="The same, in the first epochs.")] = (192, 256),
    early_epochs: Annotated[int, typer.Option(min=0, help="How many these are.")] = 0,
    scale: Annotated[tuple[float, float], typer.Option(help="Lowest and highest magnification.")] = (0.75, 1.5),
    colour: Annotated[float, typer.Option(help="Strength of brightness, contrast, saturation, gain.")] = 0.25,
    light: Annotated[float, typer.Option(help="Strength of exposure, gamma, colour temperature.")] = 0.0,
    blur: Annotated[float, typer.Option(help="Probability.")] = 0.0,
    noise: Annotated[float, typer.Option(help="Probability.")] = 0.0,
    class_crop: Annotated[float, typer.Option(help="Probability of a crop around a class drawn uniformly.")] = 0.0,
    paste: Annotated[float, typer.Option(help="Probability that another sample's classes are pasted.")] = 0.0,
    learning_rate: Annotated[float, typer.Option(help="Peak of the schedule.")] = 4e-3,
    weight_decay: Annotated[float, typer.Option()] = 2e-2,
    schedule: Annotated[str, typer.Option(help="one_cycle, or trapezoid: may be extended.")] = "one_cycle",
    warmup: Annotated[float, typer.Option(help="Share of steps that rise to the peak.")] = 0.2,
    cooldown: Annotated[float, typer.Option(help="Share of steps that fall from it (trapezoid).")] = 0.3,
    average_decay: Annotated[float, typer.Option(help="Of the moving average of the weights; 0: none.")] = 0.0,
    iteration_weight: Annotated[
        list[float] | None, typer.Option(help="Of an iteration's loss; one each. (default: rising from 0.4 to 1)")
    ] = None,
    loss_stride: Annotated[int, typer.Option(min=1, help="The loss is taken on every n-th row and column.")] = 2,
    lovasz: Annotated[float, typer.Option(help="Weight of the last iteration's Lovasz-softmax loss.")] = 0.0,
    teacher: Annotated[Path | None, typer.Option(help="A network.pt whose answers are learned, too.")] = None,
    distillation: Annotated[float, typer.Option(help="Weight of the divergence from the teacher's answers.")] = 1.0,
    class_weighting: Annotated[str, typer.Option(help="enet, median_frequency or none.")] = "enet",
    class_weight_cap: Annotated[float, typer.Option(help="The largest, relative to a pixel's mean weight.")] = 5.0,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="A network.pt to train further, structure and weights; --block detail adds to a context block."
        ),
    ] = None,
    quantized: Annotated[
        bool,
        typer.Option("--quantized", help="Train the network of --start-from further with the roundings of int8."),
    ] = False,
    requantize: Annotated[
        str, typer.Option(help="With --quantized: float, fixed or pow2, as itrt convert will be told.")
    ] = "float",
    iterations: Annotated[int, typer.Option(min=1, help="Executions of the block.")] = 4,
    block: Annotated[str, typer.Option(help="hourglass, context or detail.")] = "hourglass",
    stem_channels: Annotated[int, typer.Option(min=1, help="At 1/2.")] = 32,
    stem_convolutions: Annotated[int, typer.Option(min=0, help="At 1/4, behind the stem's strided ones.")] = 0,
    channels: Annotated[tuple[int, int, int], typer.Option(help="At 1/4, 1/8 and 1/16.")] = (64, 96, 128),
    dilation: Annotated[
        list[int] | None, typer.Option(help="Of a convolution at 1/16; repeatable. (default: 2)")
    ] = None,
    share_weights: Annotated[bool, typer.Option(help="One block, or one for each iteration.")] = True,
    batch_norm: Annotated[str, typer.Option(help="per_iteration or shared.")] = "per_iteration",
    validate_every: Annotated[int, typer.Option(min=1, help="Epochs between validations.")] = 4,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads. (default: torch's)")] = None,
    autocast: Annotated[
        bool | None,
        typer.Option("--autocast/--no-autocast", help="bfloat16. (default: if the device is fast at it)"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the training in --output, exactly.")] = False,
) -> None:
    """Train an ItNet and write its checkpoint."""
    try:
        import torch  # here: the other commands start without it

        from itrt.nn import AnytimeNetwork, ItNet, ItNetSettings
        from itrt.train import Recipe, load_data, load_network
        from itrt.train import leave_out as hold_out
        from itrt.train import train as run_training
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"itrt train needs {error.name}: pip install 'itrt[train]' (README: how to choose torch's CPU build)"
        ) from error
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        available = "cpu or cuda" if torch.cuda.is_available() else "cpu (torch finds no GPU)"
        raise InvalidArgumentError(f"--device: expected {available}, found {device}")
    if threads is not None:
        torch.set_num_threads(threads)
    recipe = Recipe(
        epochs=epochs,
        batch_size=batch_size,
        crop=crop,
        early_crop=early_crop,
        early_epochs=early_epochs,
        scale=scale,
        colour=colour,
        light=light,
        blur=blur,
        noise=noise,
        class_crop=class_crop,
        paste=paste,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        schedule=schedule,  # type: ignore[arg-type]  # Recipe checks it
        warmup=warmup,
        cooldown=cooldown,
        average_decay=average_decay,
        iteration_weights=tuple(iteration_weight) if iteration_weight else None,
        loss_stride=loss_stride,
        lovasz=lovasz,
        distillation=distillation,
        class_weighting=class_weighting,  # type: ignore[arg-type]  # Recipe checks it
        class_weight_cap=class_weight_cap,
        validate_every=validate_every,
        autocast=autocast,
        seed=seed,
    )
    settings = ItNetSettings(
        channels=channels,
        stem_channels=stem_channels,
        stem_convolutions=stem_convolutions,
        block=block,  # type: ignore[arg-type]  # ItNetSettings checks it
        iterations=iterations,
        dilations=tuple(dilation or (2,)),
        share_weights=share_weights,
        batch_norm=batch_norm,  # type: ignore[arg-type]  # ItNetSettings checks it
    )
    if quantized and start_from is None:
        raise InvalidArgumentError("--quantized: expected --start-from, a network trained in float, found none")
    start: AnytimeNetwork | ItNetSettings = settings
    if start_from is not None:
        start = load_network(start_from)[0]
        if isinstance(start, ItNet) and block == "detail" and start.settings.block == "context":
            start = start.with_detail()
    images = load_data(data, dataset)
    if leave_out:
        images = hold_out(images, leave_out)
    taught_by = None if teacher is None else _teacher(teacher, recipe, images.class_names)
    if quantized:
        start = _prepared(start, recipe, images.train, requantize)
    with _Display(recipe) as display:
        run_training(
            recipe, images, output, display.update, network=start, teacher=taught_by, device=device, resume=resume
        )


def _teacher(path: Path, recipe: "Recipe", class_names: tuple[str, ...]) -> "AnytimeNetwork":
    """The network of a file, if its logits and its input mean the same as those of the network that is trained."""
    from itrt.train import load_network

    network, metadata = load_network(path)
    if metadata.class_names != class_names:
        raise InvalidArgumentError(
            f"--teacher: expected a network of the classes {', '.join(class_names)}, "
            f"found one of {', '.join(metadata.class_names)}"
        )
    if (metadata.mean, metadata.standard_deviation) != (recipe.mean, recipe.standard_deviation):
        raise InvalidArgumentError(
            f"--teacher: expected images normalized by {recipe.mean} and {recipe.standard_deviation}, "
            f"found {metadata.mean} and {metadata.standard_deviation}"
        )
    return network


def _prepared(network: Any, recipe: "Recipe", images: "ImageSet", requantize: Any) -> "FakeQuantizedNetwork":
    """Return the network with int8's roundings, calibrated with some of the images that it is trained with."""
    from itrt.converter.calibration_set import choose
    from itrt.quantize import prepare

    chosen = images.take(choose(range(len(images)), CALIBRATION_IMAGES))
    return prepare(
        network,
        calibration=chosen.images,
        mean=recipe.mean,
        std=recipe.standard_deviation,
        requantize=requantize,
    )


class _Display:
    """A Rich progress bar with epoch, loss, mIoU and the time left; a line an epoch scrolls above it."""

    def __init__(self, recipe: "Recipe") -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self.epochs = recipe.epochs
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("loss {task.fields[loss]:.3f}  mIoU {task.fields[miou]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            speed_estimate_period=600,  # seconds: longer than an epoch, so that validation does not disturb the ETA
        )
        self.task: Any = None
        self.miou = "-"

    def __enter__(self) -> "_Display":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def update(self, report: "StepReport | EpochReport") -> None:
        from itrt.train import StepReport

        label = f"{report.epoch}/{self.epochs}"
        if isinstance(report, StepReport):
            if self.task is None:  # a resumed run starts in the middle
                remaining = (self.epochs - report.epoch + 1) * report.steps
                self.task = self.bar.add_task("", total=remaining, epoch=label, loss=report.loss, miou=self.miou)
            self.bar.update(self.task, advance=1, epoch=label, loss=report.loss)
            return
        line = f"epoch {label}  loss {report.loss:.4f}  lr {report.learning_rate:.2e}  {report.seconds:.1f} s"
        if report.validation_miou:
            self.miou = f"{report.validation_miou[-1]:.4f}"
            line += "  val mIoU " + " ".join(f"{value:.4f}" for value in report.validation_miou)
            self.bar.update(self.task, miou=self.miou)
        self.bar.console.print(line, highlight=False)

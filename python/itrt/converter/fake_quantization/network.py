"""`FakeQuantizedNetwork`: what `itrt.quantize.prepare` returns."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from itrt.converter.calibration import scale_groups
from itrt.converter.fake_quantization.constants import TrainableConstants
from itrt.converter.fake_quantization.execution import Execution, Visitor
from itrt.converter.fake_quantization.scales import LearnedScales
from itrt.converter.fake_quantization.straight_through import straight_through
from itrt.converter.float_graph import FloatGraph
from itrt.converter.folding import fold_normalization
from itrt.converter.quantization import QuantizedGraph, quantize_with
from itrt.errors import InvalidArgumentError
from itrt.nn import AnytimeNetwork
from itrt.quantize import Requantization


class FakeQuantizedNetwork(AnytimeNetwork):
    """A network that computes what its int8 program computes, and has gradients: for quantization-aware training.

    Its parameters are the constants of the network as it is converted (docs/converter.md): weights, gains and shifts of
    normalization (which is folded: its statistics no longer change), one each or one an iteration, and a scale for
    every activation. In every forward pass the converter's arithmetic turns them into integers; gradients pass
    roundings as if there were none and end where a value is clipped (the straight-through estimator, arXiv 1308.3432).

    Parameters
    ----------
    graph
        The float graph; the image's normalization is not folded yet.
    ranges
        (lower, upper) of every tensor but the image, calibrated; None: a state dict brings the scales.
    origin
        The float network that the graph is of, if it is to be in checkpoints: the names of a state dict depend on it.
    requantization
        What the program turns sums into outputs with.
    """

    def __init__(
        self,
        graph: FloatGraph,
        ranges: Mapping[str, tuple[float, float]] | None,
        origin: nn.Module | None = None,
        requantization: Requantization = "float",
    ) -> None:
        super().__init__(graph.iterations, graph.max_iterations)
        self.requantization = requantization
        self._graph = graph
        self._origin = (origin,)  # not a module of this one: it is not trained
        self.constants = TrainableConstants(graph)
        self.scales = LearnedScales(scale_groups(graph), ranges)

    @property
    def origin(self) -> nn.Module | None:
        return self._origin[0]

    @property
    def mean(self) -> tuple[float, ...]:
        """Of the network's input, on the 0..1 scale."""
        return self._graph.mean

    @property
    def std(self) -> tuple[float, ...]:
        """Of the network's input, on the 0..1 scale."""
        return self._graph.std

    def forward(self, image: Tensor, iterations: int | None = None) -> list[Tensor]:
        """Return the real logits of every iteration, first to last, (N, classes, h, w) at the head's resolution.

        Parameters
        ----------
        image
            Float32 or float64 (N, 3, H, W), normalized as for the network that this was made of. It is rounded to the
            256 levels that pixels have. In float64 every value is the runtime's to the last bit; float32 is the faster
            one to train in, and may differ only where a convolution's sum exceeds 2^24. Autocasting has no effect.
        iterations
            How many iterations to execute; ``self.iterations`` if None. A network without a loop has one answer.

        Raises
        ------
        InvalidArgumentError
            If the image has another type or shape, ``iterations`` is impossible, or scales were neither calibrated nor
            loaded.
        ConversionError
            If the weights have become such that no program can hold them.
        """
        return self.run(image, iterations, None)

    def run(self, image: Tensor, iterations: int | None, visit: Visitor | None) -> list[Tensor]:
        """As `forward`; ``visit`` sees every tensor: name, step (None in the stem), stored values less zero point."""
        count = self.check_iterations(iterations)
        quantized = self.quantized()
        centred = self._centred(image, quantized.tensors[quantized.index(self._graph.image)].zero_points)
        execution = Execution(self._graph, quantized, self.constants, self.scales.by_tensor())
        with torch.autocast(image.device.type, enabled=False):
            return execution.run(centred, count, visit)

    def float_graph(self) -> FloatGraph:
        """Return the float graph with the parameters' present values: what `itrt.convert` quantizes."""
        return fold_normalization(self.constants.in_graph(self._graph))

    def quantized(self) -> QuantizedGraph:
        """Return the operators of the program that the parameters stand for; raises as `forward`."""
        return quantize_with(self.float_graph(), self.scales.activation_parameters(), self.requantization)

    def _centred(self, image: Tensor, zero_points: tuple[int, ...]) -> Tensor:
        """Return the image's pixels, 0..255, less their zero points."""
        if image.dtype not in (torch.float32, torch.float64) or image.ndim != 4 or image.shape[1] != len(zero_points):
            raise InvalidArgumentError(
                f"image: expected float32 or float64 (N, {len(zero_points)}, height, width), found "
                f"{image.dtype} {tuple(image.shape)}"
            )
        mean, std, points = (image.new_tensor(v).view(1, -1, 1, 1) for v in (self.mean, self.std, zero_points))
        pixels = (image * std + mean) * 255.0
        return straight_through(pixels, pixels.detach().round()).clamp(0.0, 255.0) - points

"""The base classes: networks with an answer after every iteration, and those of a stem, a block and a head."""

from typing import cast

from torch import Tensor, nn

from itrt.errors import InvalidArgumentError


class AnytimeNetwork(nn.Module):
    """A network with an answer after every iteration: what the losses and the loop of `itrt.train` ask for.

    Parameters
    ----------
    iterations
        Iterations that ``forward`` executes by default: the number that the network is trained with.
    max_iterations
        The most iterations that the network can execute, for one that holds something per iteration
        (such as batch normalization); None, the default, if there is no limit.
    """

    iterations: int
    max_iterations: int | None

    def __init__(self, iterations: int, max_iterations: int | None = None) -> None:
        super().__init__()
        if iterations < 1:
            raise InvalidArgumentError(f"iterations: expected at least 1, found {iterations}")
        if max_iterations is not None and max_iterations < iterations:
            raise InvalidArgumentError(
                f"max_iterations: expected at least iterations = {iterations}, found {max_iterations}"
            )
        self.iterations = iterations
        self.max_iterations = max_iterations

    @property
    def origin(self) -> nn.Module | None:
        """The float network that this one was prepared from (`itrt.quantize.prepare`); None if it is one itself."""
        return None

    def forward(self, image: Tensor, iterations: int | None = None) -> list[Tensor]:
        """Return the logits of every iteration, first to last.

        Parameters
        ----------
        image
            Float (N, 3, H, W), normalized; any height and width.
        iterations
            How many iterations to execute; ``self.iterations`` if None.

        Raises
        ------
        InvalidArgumentError
            If ``iterations`` is less than 1 or more than ``max_iterations``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define forward()")

    def check_iterations(self, iterations: int | None) -> int:
        """Return the number of iterations to execute for an argument that may be None; raise if it is impossible."""
        if iterations is None:
            return self.iterations
        if iterations < 1:
            raise InvalidArgumentError(f"iterations: expected at least 1, found {iterations}")
        if self.max_iterations is not None and iterations > self.max_iterations:
            raise InvalidArgumentError(
                f"iterations: this {type(self).__name__} holds weights or batch normalization for each of "
                f"{self.max_iterations} iterations, so expected 1 to {self.max_iterations}, found {iterations}"
            )
        return iterations


class IterativeNetwork(AnytimeNetwork):
    """A network that executes one block k times and can answer after every iteration (arXiv 2101.08685).

    Derive from it, pass the number of iterations to ``__init__`` and define three methods::

        class Denoiser(IterativeNetwork):
            def __init__(self) -> None:
                super().__init__(iterations=3)
                self.first = nn.Conv2d(3, 16, 3, padding=1)
                self.mix = nn.Conv2d(32, 16, 3, padding=1)
                self.last = nn.Conv2d(16, 3, 1)

            def stem(self, image: Tensor) -> Tensor:
                return self.first(image).relu()

            def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
                return self.mix(torch.cat((state, features), dim=1)).relu()

            def head(self, state: Tensor) -> Tensor:
                return self.last(state)

    Assigning a module to ``self.stem``, ``self.block`` or ``self.head`` works too: the methods below call it.

    Parameters
    ----------
    iterations
        Iterations that ``forward`` executes by default: the number that the network is trained with.
    max_iterations
        The most iterations that the network can execute, for one that holds something per iteration
        (such as batch normalization); None, the default, if ``block`` may be repeated without end.

    Notes
    -----
    ``step`` is a Python int, so a block may select modules with it: export happens once a step, with
    ``step`` as a constant. Height and width are dynamic in the export: take sizes from ``tensor.shape``
    and do not branch on them.
    """

    def stem(self, image: Tensor) -> Tensor:
        """Turn the normalized image, float (N, 3, H, W), into features (N, C, h, w): also the first state."""
        return cast(Tensor, self._part("stem")(image))

    def block(self, state: Tensor, features: Tensor, step: int) -> Tensor:
        """Execute iteration ``step`` (0, 1, ...): return the next state, of the shape of ``state``."""
        return cast(Tensor, self._part("block")(state, features, step))

    def head(self, state: Tensor) -> Tensor:
        """Turn a state into logits (N, classes, h, w), at the state's own resolution."""
        return cast(Tensor, self._part("head")(state))

    def forward(self, image: Tensor, iterations: int | None = None) -> list[Tensor]:
        count = self.check_iterations(iterations)
        features = self.stem(image)
        state = features
        logits = []
        for step in range(count):
            state = self.block(state, features, step)
            logits.append(self.head(state))
        return logits

    def _part(self, name: str) -> nn.Module:
        # nn.Module keeps an assigned submodule in _modules, where the method of the same name hides it.
        part = self._modules.get(name)
        if part is None:
            raise NotImplementedError(f"{type(self).__name__} must define {name}(), as a method or as a submodule")
        return part

"""Small random programs, in numpy: everything that the format can say, for comparing the runtime with the oracle.

Sizes follow from the image, so a program must be right for every image. Each tensor has a `Geometry`: how its height
and width come from the image's. Two tensors with the same geometry have the same size on every image.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from itrt.format import (
    AdaptivePool,
    Add,
    Constant,
    Convolution,
    DepthToSpace,
    Gather,
    Lookup,
    Multiply,
    Operator,
    Pad,
    Pool,
    Preprocessing,
    Program,
    Resize,
    Tensor,
    Term,
)
from reference.fixed_point import with_fixed_point
from reference.operators import pooled_extent

Axes = tuple[tuple[int, int], tuple[int, int]]  # (stride, surplus padding), vertical and horizontal
# What happened to the image's size, in this order: axes of a convolution, or a name and numbers. ("size", h, w) can
# only be the first: it is the size, whatever the image's.
Geometry = tuple[tuple[object, ...], ...]
UNCHANGED: Axes = ((1, 0), (1, 0))
ONE_PIXEL: Geometry = (("size", 1, 1),)
KINDS = {
    "convolution": 0.34,
    "add": 0.1,
    "resize": 0.12,
    "pool": 0.1,
    "adaptive_pool": 0.06,
    "lookup": 0.05,
    "multiply": 0.06,
    "gather": 0.07,
    "pad": 0.05,
    "depth_to_space": 0.05,
}


@dataclass(frozen=True)
class Choices:
    """What a random program must be; None leaves it to the seed."""

    loop: bool | None = None
    limited: bool | None = None  # max_iterations is a number
    classes: int | None = None
    color_order: str | None = None


def random_program(seed: int, choices: Choices | None = None) -> Program:
    """The program of this seed: the same one on every machine. Runs on images of any size, 1x1 too."""
    program = _Builder(np.random.default_rng(seed), choices or Choices()).program(f"random-{seed}")
    # Of three programs, one has scales, one fixed-point factors, one has both.
    share = (0.0, 1.0, 0.5)[seed % 3]
    return with_fixed_point(program, np.random.default_rng((seed, 1)), share) if share else program


def random_image(seed: int, height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Noise, (height, width, 3) u8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@dataclass
class _Builder:
    rng: np.random.Generator
    choices: Choices
    tensors: list[Tensor] = field(default_factory=list)
    geometries: list[Geometry] = field(default_factory=list)
    steps: int = 1
    invariant: frozenset[int] = frozenset()  # tensors that are the same in every iteration

    def program(self, name: str) -> Program:
        loop = self._given(self.choices.loop, 0.85)
        limited = not loop or self._given(self.choices.limited, 0.5)
        most = 1 if not loop else self._integer(1, 4)
        image = self._tensor("image", 3, (), scale=1.0, zero_points=tuple(int(z) for z in self.rng.integers(0, 256, 3)))
        readable = [image]
        stem = self._section("stem", self._integer(1, 3), readable)
        state = next_state = None
        block: list[Operator] = []
        if loop:
            state = readable[self._integer(1, len(readable) - 1)]
            self.invariant = frozenset(readable) - {state}
            self.steps = most if limited else 1
            next_state, block = self._block(state, list(readable))
            self.invariant = frozenset()  # the head marks nothing
        head, logits = self._head(readable, state)
        classes = self.tensors[logits].channels
        return Program(
            name=name,
            iterations=self._integer(1, most),
            max_iterations=most if limited else None,
            tensors=tuple(self.tensors),
            image=image,
            state=state,
            next_state=next_state,
            logits=logits,
            stem=tuple(stem),
            block=tuple(block),
            head=tuple(head),
            preprocessing=Preprocessing(
                (0.4, 0.5, 0.6), (0.2, 0.25, 0.3), self.choices.color_order or str(self.rng.choice(["RGB", "BGR"]))
            ),
            classes=tuple(f"class {i}" for i in range(classes)),
            palette=tuple((i % 256, i // 256, 255 - i % 256) for i in range(classes)),
            metadata={"origin": "tests/reference/programs.py"},
        )

    def _given(self, choice: bool | None, probability: float) -> bool:
        return bool(self.rng.random() < probability) if choice is None else choice

    def _integer(self, lowest: int, highest: int) -> int:
        return int(self.rng.integers(lowest, highest + 1))

    def _pick(self, indices: list[int]) -> int:
        return indices[self._integer(0, len(indices) - 1)]

    def _tensor(
        self,
        name: str,
        channels: int,
        geometry: Geometry,
        scale: float | None = None,
        zero_points: tuple[int, ...] | None = None,
    ) -> int:
        if scale is None and len(self.tensors) > 1 and self.rng.random() < 0.4:
            like = self.tensors[self._integer(1, len(self.tensors) - 1)]  # what a gather wants of its inputs
            scale, zero_points = like.scale, like.zero_points
        scale = float(np.float32(self.rng.uniform(0.01, 1))) if scale is None else scale
        zero_points = (self._integer(0, 255),) if zero_points is None else zero_points
        self.tensors.append(Tensor(name, channels, scale, zero_points))
        self.geometries.append(geometry)
        return len(self.tensors) - 1

    def _channels(self) -> int:
        return int(self.rng.choice([1, 2, 3, 4, 6, 8, 12, 16, 17, 24, 33, 40]))

    def _section(self, section: str, count: int, readable: list[int]) -> list[Operator]:
        operators: list[Operator] = []
        for i in range(count):
            operator = self._operator(f"{section}{i}", readable)
            operators.append(operator)
            addition = self._residual(f"{section}{i}_sum", operator, readable)
            if addition is not None:  # which is all that reads the operator, so that a runtime may compute both in one
                operators.append(addition)
            readable.append(operators[-1].output)
        return operators

    def _residual(self, name: str, operator: Operator, readable: list[int]) -> Operator | None:
        if not isinstance(operator, Convolution | Resize) or self.rng.random() < 0.5:
            return None
        like = self._alike(operator.output, [index for index in readable if len(self.tensors[index].zero_points) == 1])
        if not like:
            return None
        inputs = [operator.output, self._pick(like)]
        return self._sum(name, tuple(inputs if self.rng.random() < 0.5 else inputs[::-1]))

    def _operator(self, name: str, readable: list[int]) -> Operator:
        addable = [index for index in readable if len(self.tensors[index].zero_points) == 1]
        kind = self.rng.choice(list(KINDS), p=list(KINDS.values())) if addable else "convolution"
        match kind:
            case "add":
                return self._add(name, self._pick(addable), addable)
            case "resize":
                return self._resize(name, self._pick(addable), readable)
            case "pool":
                return self._pool(name, self._pick(addable))
            case "adaptive_pool":
                return self._adaptive_pool(name, self._pick(addable))
            case "lookup":
                return self._lookup(name, self._pick(addable))
            case "multiply":
                return self._multiply(name, addable)
            case "gather":
                return self._gather(name, self._pick(addable), addable)
            case "pad":
                return self._pad(name, self._pick(addable), addable)
            case "depth_to_space":
                return self._depth_to_space(name, addable)
        return self._random_convolution(name, readable)

    def _block(self, state: int, readable: list[int]) -> tuple[int, list[Operator]]:
        operators = self._section("block", self._integer(0, 4), readable)
        # The writer of the next state reads something of the state's size: always the state itself, or what it became.
        fitting = [index for index in readable if self.geometries[index] == self.geometries[state]]
        made = [index for index in fitting if index not in self.invariant]
        output = self._tensor("next", self.tensors[state].channels, self.geometries[state])
        self.tensors[output] = replace(self.tensors[state], name="next")
        operators.append(self._convolution("write_next", output, [(self._pick(made), UNCHANGED)], readable))
        readable.append(output)
        # Sometimes the block goes on, and may read the old state and the new one.
        for i in range(self._integer(0, 1)):
            operators.append(self._operator(f"after{i}", readable))
        return output, operators

    def _head(self, readable: list[int], state: int | None) -> tuple[list[Operator], int]:
        readable = list(readable)
        operators = self._section("head", self._integer(0, 2), readable)
        classes = self.choices.classes or self._integer(1, 20)
        sources = readable if state is None else [state, *readable[-len(operators) :]]
        source = self._pick(sources)
        output = self._tensor("logits", classes, self.geometries[source])
        operators.append(self._convolution("classify", output, [(source, UNCHANGED)], readable))
        return operators, output

    def _random_convolution(self, name: str, readable: list[int]) -> Operator:
        source = self._pick(readable)
        axes, channels = UNCHANGED, self._channels()
        if self.rng.random() < 0.3:
            channels = self.tensors[source].channels
        elif self.rng.random() < 0.5:  # a surplus of padding, not a lack: one pixel stays at least one
            axes = (
                (self._integer(1, 3), int(self.rng.choice([0, 0, 1, 2]))),
                (self._integer(1, 3), int(self.rng.choice([0, 0, 1, 2]))),
            )
        geometry = self._after(source, axes)
        output = self._tensor(name, channels, geometry)
        return self._convolution(name, output, [(source, axes)], readable)

    def _after(self, source: int, axes: Axes) -> Geometry:
        return self.geometries[source] + (() if axes == UNCHANGED else (axes,))

    def _convolution(self, name: str, output: int, sources: list[tuple[int, Axes]], readable: list[int]) -> Operator:
        others = [(index, UNCHANGED) for index in readable if self.geometries[index] == self.geometries[output]]
        others += [
            (index, sources[0][1]) for index in readable if self._after(index, sources[0][1]) == self.geometries[output]
        ]
        while others and self.rng.random() < 0.4:
            sources = [*sources, others[self._integer(0, len(others) - 1)]]
        channels = self.tensors[output].channels
        terms = tuple(self._term(index, axes, channels) for index, axes in sources)
        products = sum(int(np.prod(term.weight.values[0].shape[1:])) for term in terms)
        spread = float(np.sqrt(products)) * 73 * 75  # of an accumulator of uniform weights and inputs
        return Convolution(
            name,
            output,
            terms,
            bias=self._constant(lambda: self.rng.integers(-spread, spread + 1, channels).astype(np.int32)),
            scale=self._constant(lambda: self._scales(channels, spread)),
            clamp=self._clamp(),
        )

    def _scales(self, channels: int, spread: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        scales = self.rng.uniform(10, 150, channels) / spread
        scales[self.rng.random(channels) < 0.1] *= -1  # batch norm with a negative gain
        scales[self.rng.random(channels) < 0.05] = 0
        return scales.astype(np.float32)

    def _term(self, source: int, axes: Axes, channels: int) -> Term:
        inputs = self.tensors[source].channels
        common = [groups for groups in range(1, inputs + 1) if inputs % groups == 0 and channels % groups == 0]
        groups = int(self.rng.choice(common)) if self.rng.random() < 0.4 else 1
        kernel = (self._integer(1, 5), self._integer(1, 5)) if self.rng.random() < 0.6 else (1, 1)
        dilation = (self._integer(1, 3), self._integer(1, 3)) if self.rng.random() < 0.3 else (1, 1)
        padding = [
            surplus + dilated * (size - 1) for (_, surplus), size, dilated in zip(axes, kernel, dilation, strict=True)
        ]
        top, left = self._integer(0, padding[0]), self._integer(0, padding[1])
        shape = (channels, *kernel, inputs // groups)
        lowest = -128 if self.rng.random() < 0.3 else -127
        weight = self._constant(lambda: self.rng.integers(lowest, 128, shape).astype(np.int8), probability=0.15)
        return Term(
            source,
            weight,
            stride=(axes[0][0], axes[1][0]),
            padding=(top, left, padding[0] - top, padding[1] - left),
            dilation=dilation,
            groups=groups,
            loop_invariant=source in self.invariant and len(weight.values) == 1 and bool(self.rng.random() < 0.7),
        )

    def _constant(self, make: object, probability: float = 0.6) -> Constant:
        assert callable(make)
        count = self.steps if self.rng.random() < probability else 1
        return Constant(tuple(make() for _ in range(count)))

    def _clamp(self) -> tuple[int, int]:
        if self.rng.random() < 0.6:
            return (0, 255)
        lower, upper = sorted(self._integer(0, 255) for _ in range(2))
        return lower, upper

    def _add(self, name: str, first: int, addable: list[int]) -> Operator:
        like = self._alike(first, addable)
        return self._sum(name, (first, *(self._pick(like) for _ in range(self._integer(0, 2)))))

    def _alike(self, tensor: int, others: list[int]) -> list[int]:
        """Those of the same size and channels."""
        return [
            index
            for index in others
            if self.geometries[index] == self.geometries[tensor]
            and self.tensors[index].channels == self.tensors[tensor].channels
        ]

    def _sum(self, name: str, inputs: tuple[int, ...]) -> Operator:
        output = self._tensor(name, self.tensors[inputs[0]].channels, self.geometries[inputs[0]])
        shift = self._integer(0, 20)
        largest = min(int(1.5 * 2**shift), 32767)
        multipliers = tuple(self._integer(-largest, largest) for _ in inputs)
        return Add(name, output, inputs, multipliers, shift, self._clamp())

    def _same_values(self, name: str, source: int, channels: int, geometry: Geometry) -> int:
        """A tensor with the source's scale and zero point."""
        like = self.tensors[source]
        return self._tensor(name, channels, geometry, like.scale, like.zero_points)

    def _resize(self, name: str, source: int, readable: list[int]) -> Operator:
        mode = self.rng.choice(["bilinear", "nearest"])
        corners = bool(mode == "bilinear" and self.rng.random() < 0.4)
        geometry = self.geometries[source]
        size_of = size = factor = None
        kind = self.rng.choice(["size_of", "size", "factor"], p=[0.5, 0.25, 0.25])
        if kind == "size":
            size = self._integer(1, 7), self._integer(1, 7)
            geometry = (("size", *size),)
        elif kind == "factor" and not self._has_grown(geometry):
            down, across = [(3, 2), (2, 1), (1, 1)][self._integer(0, 2)], [(4, 3), (2, 1)][self._integer(0, 1)]
            factor = down, across
            geometry = (*geometry, ("factor", *factor))
        else:
            size_of = self._pick(readable)
            geometry = self.geometries[size_of]
        output = self._same_values(name, source, self.tensors[source].channels, geometry)
        return Resize(name, output, source, size_of, size, factor, str(mode), corners)  # type: ignore[arg-type]

    @staticmethod
    def _has_grown(geometry: Geometry) -> bool:
        """Once is enough: the oracle is slow."""
        return any(step[0] in ("factor", "block") for step in geometry)

    def _average_scale(self) -> tuple[int, int]:
        """Multiplier and shift, mostly of a factor around one."""
        if self.rng.random() < 0.2:
            return self._integer(1, 32767), self._integer(0, 28)
        shift = self._integer(0, 14)
        return max(int(self.rng.uniform(0.5, 1.9) * 2**shift), 1), shift

    def _pool(self, name: str, source: int) -> Operator:
        """Of any size: windows are drawn until a single pixel has one."""
        is_max, ceil = bool(self.rng.random() < 0.5), bool(self.rng.random() < 0.4)

        def axis() -> tuple[int, int, int, int, int]:
            while True:
                kernel, stride, dilation = (
                    self._integer(1, 5),
                    self._integer(1, 3),
                    self._integer(1, 2 if is_max else 1),
                )
                padding = self._integer(0, kernel // 2), self._integer(0, kernel // 2)
                if pooled_extent(1, kernel, stride, padding, dilation, ceil) >= 1:
                    return kernel, stride, *padding, dilation

        down, across = axis(), axis()
        geometry = (*self.geometries[source], ("pool", down, across, ceil))
        channels = self.tensors[source].channels
        multiplier, shift = (1, 0) if is_max else self._average_scale()
        return Pool(
            name,
            self._same_values(name, source, channels, geometry) if is_max else self._tensor(name, channels, geometry),
            source,
            "max" if is_max else "average",
            kernel=(down[0], across[0]),
            stride=(down[1], across[1]),
            padding=(down[2], across[2], down[3], across[3]),
            dilation=(down[4], across[4]),
            ceil=ceil,
            count_padding=not is_max and bool(self.rng.random() < 0.5),
            multiplier=multiplier,
            shift=shift,
        )

    def _adaptive_pool(self, name: str, source: int) -> Operator:
        size = (1, 1) if self.rng.random() < 0.5 else (self._integer(1, 6), self._integer(1, 6))
        output = self._tensor(name, self.tensors[source].channels, (("size", *size),))
        return AdaptivePool(name, output, source, size, *self._average_scale())

    def _lookup(self, name: str, source: int) -> Operator:
        channels = self.tensors[source].channels
        tables = channels if self.rng.random() < 0.5 else 1
        output = self._tensor(name, channels, self.geometries[source])
        table = self._constant(lambda: self.rng.integers(0, 256, (tables, 256)).astype(np.uint8))
        return Lookup(name, output, source, table)

    def _multiply(self, name: str, addable: list[int]) -> Operator:
        """One input may have one channel, and one may be one pixel: sometimes that is the same one."""

        def fits(a: int, b: int) -> bool:
            channels = {self.tensors[a].channels, self.tensors[b].channels}
            geometries = {self.geometries[a], self.geometries[b]} - {ONE_PIXEL}
            return len(geometries) <= 1 and len(channels - {1}) <= 1

        pairs = [(a, b) for a in addable for b in addable if fits(a, b)]
        broadcast = [pair for pair in pairs if self.tensors[pair[0]] != self.tensors[pair[1]]] or pairs
        first, second = broadcast[self._integer(0, len(broadcast) - 1)]
        larger = first if self.geometries[second] == ONE_PIXEL else second
        channels = max(self.tensors[first].channels, self.tensors[second].channels)
        multiplier, shift = self._integer(1, 32767), self._integer(0, 45)
        if self.rng.random() < 0.8:
            shift = multiplier.bit_length() + self._integer(4, 9)
        output = self._tensor(name, channels, self.geometries[larger])
        return Multiply(name, output, (first, second), multiplier, shift, self._clamp())

    def _gather(self, name: str, first: int, addable: list[int]) -> Operator:
        def values(index: int) -> tuple[object, ...]:
            return self.tensors[index].scale, self.tensors[index].zero_points, self.geometries[index]

        like = [index for index in addable if values(index) == values(first)]
        inputs = (first, *(self._pick(like) for _ in range(self._integer(0, 3))))
        channels: list[tuple[int, int]] = []
        for place, index in enumerate(inputs):
            count = self.tensors[index].channels
            low, high = sorted((self._integer(0, count - 1), self._integer(0, count - 1)))
            channels += [(place, channel) for channel in range(low, high + 1)]
        if self.rng.random() < 0.4:
            channels = [channels[i] for i in self.rng.permutation(len(channels))]
        output = self._same_values(name, first, len(channels), self.geometries[first])
        return Gather(name, output, inputs, tuple(channels))

    def _pad(self, name: str, source: int, addable: list[int]) -> Operator:
        fixed = [
            index
            for index in addable
            if len(self.geometries[index]) == 1 and self.geometries[index][0][0] == "size" and index != source
        ]
        mode = str(self.rng.choice(["constant", "replicate"]))
        padding = [self._integer(0, 3) for _ in range(4)]
        if fixed and self.rng.random() < 0.7:  # reflections need to know how many pixels there are
            mode, source = "reflect", self._pick(fixed)
            _, height, width = self.geometries[source][0]
            padding = [self._integer(0, int(str(extent)) - 1) for extent in (height, width, height, width)]
        elif self.rng.random() < 0.4:  # cropped on one side
            side = self._integer(0, 3)
            padding[side] = -self._integer(0, padding[(side + 2) % 4])
        top, left, bottom, right = padding
        geometry = (*self.geometries[source], ("pad", top, left, bottom, right))
        output = self._same_values(name, source, self.tensors[source].channels, geometry)
        return Pad(name, output, source, (top, left, bottom, right), mode)  # type: ignore[arg-type]

    def _depth_to_space(self, name: str, addable: list[int]) -> Operator:
        blocks = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2)]
        pairs = [
            (index, block)
            for index in addable
            for block in blocks
            if self.tensors[index].channels % (block[0] * block[1]) == 0 and not self._has_grown(self.geometries[index])
        ] or [(self._pick(addable), (1, 1))]
        source, block = pairs[self._integer(0, len(pairs) - 1)]
        channels = self.tensors[source].channels // (block[0] * block[1])
        output = self._same_values(name, source, channels, (*self.geometries[source], ("block", *block)))
        return DepthToSpace(name, output, source, block)

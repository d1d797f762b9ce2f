"""What a program costs at an image size: the size of every tensor, the multiply-accumulates of every operator."""

from __future__ import annotations

from dataclasses import dataclass

from itrt.errors import InvalidArgumentError
from itrt.format.output_sizes import Size, output_sizes
from itrt.format.program import Constant, Convolution, Operator, Program, Term, constants_of

__all__ = ["OperatorCosts", "Size", "operator_costs", "tensor_sizes", "term_macs"]


@dataclass(frozen=True)
class OperatorCosts:
    """Of one execution: ``macs``, of which ``invariant_macs`` give the same in every iteration.

    Of the file: ``parameters``, the elements of all constants (those of every step), and the ``bytes`` they take.
    """

    macs: int
    invariant_macs: int
    parameters: int
    bytes: int


def tensor_sizes(program: Program, height: int, width: int) -> tuple[Size, ...]:
    """Return the (height, width) of every tensor for an image of this size.

    Raises InvalidArgumentError where a kernel does not fit into its input, a reflection reaches beyond it, inputs do
    not fit together or the state would change its size.
    """
    sizes: dict[int, Size] = {program.image: (height, width)}
    for operator in (*program.stem, *program.block, *program.head):
        found = output_sizes(operator, sizes)
        if len(set(found)) != 1 or min(found[0]) < 1:
            raise InvalidArgumentError(
                f"image of {height}x{width} (height x width): {operator.name}: expected one size of at least a pixel, "
                f"found {', '.join(f'{size[0]}x{size[1]}' for size in found)}"
            )
        sizes[operator.output] = found[0]
    if program.state is not None and program.next_state is not None:
        state, next_state = sizes[program.state], sizes[program.next_state]
        if state != next_state:
            raise InvalidArgumentError(
                f"image of {height}x{width} (height x width): next state: expected {state[0]}x{state[1]}, "
                f"found {next_state[0]}x{next_state[1]}"
            )
    return tuple(sizes[index] for index in range(len(program.tensors)))


def term_macs(term: Term, output_size: Size) -> int:
    """Return the multiply-accumulates of a term; those with padding are counted, too."""
    height, width = output_size
    return height * width * term.weight.at(0).size


def operator_costs(operator: Operator, sizes: tuple[Size, ...]) -> OperatorCosts:
    """Return the costs of an operator of a program whose tensors have these sizes.

    Only convolutions have multiply-accumulates: what the others compute is small beside what they read and write.
    """
    terms = operator.terms if isinstance(operator, Convolution) else ()
    macs = [term_macs(term, sizes[operator.output]) for term in terms]
    constants = constants_of(operator)
    return OperatorCosts(
        macs=sum(macs),
        invariant_macs=sum(mac for mac, term in zip(macs, terms, strict=True) if term.loop_invariant),
        parameters=sum(_elements(constant) for constant in constants),
        bytes=sum(value.nbytes for constant in constants for value in constant.values),
    )


def _elements(constant: Constant) -> int:
    return sum(value.size for value in constant.values)

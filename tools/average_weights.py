#!/usr/bin/env python3
"""Average the weights of two networks, of which one was trained further from the other:

    tools/average_weights.py restart/network.pt rare/network.pt --share 0.7 -o network.pt

Every number is (1 - SHARE) of the first network's and SHARE of the second's, whose structure and metadata it has; what
was measured of the second is left out.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from itrt.cli.output_files import check_directories
from itrt.errors import InvalidArgumentError, ItrtError
from itrt.train import load_network, save_network


def average(first: Path, second: Path, share: float, output: Path) -> None:
    """Write the average of two checkpoints to ``output``."""
    if not 0 <= share <= 1:
        raise InvalidArgumentError(f"--share: expected a number from 0 to 1, found {share}")
    one = load_network(first)[0].state_dict()
    network, metadata = load_network(second)
    weights = network.state_dict()
    if {name: value.shape for name, value in one.items()} != {name: value.shape for name, value in weights.items()}:
        raise InvalidArgumentError(f"{second}: expected a network with the structure of {first}, found another")
    for name, value in weights.items():
        if value.is_floating_point():
            weights[name] = (1 - share) * one[name] + share * value
    network.load_state_dict(weights)
    save_network(output, network, replace(metadata, validation_miou=()))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the second network; default: 0.5")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    check_directories(output=options.output)
    average(options.first, options.second, options.share, options.output)


if __name__ == "__main__":
    try:
        main()
    except ItrtError as error:
        sys.exit(f"error: {error}")

"""A network by its name: ``package.module:factory``, as on a command line."""

from __future__ import annotations

import contextlib
import importlib
import operator
import sys
from collections.abc import Iterator
from pathlib import Path

from torch import nn

from itrt.errors import InvalidArgumentError


def make_network(reference: str) -> nn.Module:
    """Import a module, also one in the current directory, and call what makes the network.

    Parameters
    ----------
    reference
        ``package.module:factory``. The factory is anything that returns a ``torch.nn.Module`` when it is called without
        arguments, such as the network's class; or a network itself. A dot leads into it: ``module:Class.method``.

    Raises
    ------
    InvalidArgumentError
        If there is no such module or factory, or one of them raises, or the result is no network.
    """
    module_name, _, factory = reference.partition(":")
    if not module_name or not factory:
        raise InvalidArgumentError(f"model: expected package.module:factory, found {reference!r}")
    with _importing_from(Path.cwd()):
        try:
            module = importlib.import_module(module_name)
        except Exception as error:  # whatever the module's own code raises
            raise InvalidArgumentError(
                f"model {reference}: expected a module that can be imported, found {_described(error)}"
            ) from error
        try:
            made = operator.attrgetter(factory)(module)
        except AttributeError as error:
            raise InvalidArgumentError(f"model {reference}: expected {factory} in {module_name}, found none") from error
        if not isinstance(made, nn.Module):
            made = _call(made, reference)
    if not isinstance(made, nn.Module):
        raise InvalidArgumentError(f"model {reference}: expected a torch.nn.Module, found {type(made).__name__}")
    return made


def _call(factory: object, reference: str) -> object:
    if not callable(factory):
        raise InvalidArgumentError(
            f"model {reference}: expected a function or class that makes a network, found {type(factory).__name__}"
        )
    try:
        return factory()
    except Exception as error:  # whatever the user's own code raises
        raise InvalidArgumentError(
            f"model {reference}: expected a network from a call without arguments, found {_described(error)}"
        ) from error


@contextlib.contextmanager
def _importing_from(directory: Path) -> Iterator[None]:
    """Find modules in a directory, too, as ``python -m`` does."""
    path = str(directory)
    sys.path.insert(0, path)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the imported code may have changed the path itself
            sys.path.remove(path)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"

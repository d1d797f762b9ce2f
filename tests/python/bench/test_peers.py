"""Which runtimes take part."""

import dataclasses

import pytest

from itrt.bench import runtimes
from itrt.errors import InvalidArgumentError


def test_peers_are_chosen_by_name() -> None:
    assert runtimes.choose_peers([]) == runtimes.PEERS
    assert [peer.name for peer in runtimes.choose_peers(["litert", "OpenVINO"])] == ["LiteRT", "OpenVINO"]
    with pytest.raises(InvalidArgumentError, match=r"peer: expected one of ONNX Runtime, .*, found 'tensorfly'"):
        runtimes.choose_peers(["tensorfly"])


def test_missing_peers_are_named_with_what_they_miss() -> None:
    there = dataclasses.replace(runtimes.PEERS[0], modules=("json",))
    absent = dataclasses.replace(runtimes.PEERS[1], name="Absent", modules=("json", "no_such_module"))
    assert runtimes.installed([there, absent]) == ((there,), {"Absent": "not installed: no_such_module"})

"""tools/convert_networks.py: a row a network, with figures, and the reason for each that does not convert."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from torch import nn

from reference.architectures import ARCHITECTURES

TOOL = Path(__file__).parents[3] / "tools" / "convert_networks.py"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    specification = importlib.util.spec_from_file_location("convert_networks", TOOL)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "convert_networks", module)  # its dataclass looks itself up
    specification.loader.exec_module(module)
    return module


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_what_converts_and_what_does_not(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Softmax2d(), nn.Softmax2d())
    subjects = (
        tool.Subject("torch", "SqueezeNet", ARCHITECTURES["SqueezeNet"]),
        tool.Subject("torch", "DeepLab", ARCHITECTURES["DeepLab"]),
        tool.Subject("torch", "refused", lambda: refused),
        tool.Subject("torch", "not asked for", ARCHITECTURES["ResNet"]),
        tool.Subject("no_such_library", "SqueezeNet of another", ARCHITECTURES["SqueezeNet"]),
    )
    monkeypatch.setattr(tool, "SUBJECTS", subjects)
    names = ["SqueezeNet", "DeepLab", "refused"]
    monkeypatch.setattr(sys, "argv", ["tool", *names, "--images", "2", "--size", "48", "64"])
    tool.main()
    converted, ways, failed = (rows(table) for table in capsys.readouterr().out.split("\n\n"))
    assert [row[:2] for row in converted[2:]] == [["torch", "SqueezeNet"], ["torch", "DeepLab"]]
    assert converted[2][2] == "5 Convolution, 1 Pool, 1 AdaptivePool"
    for row in converted[2:]:
        assert float(row[3]) > 20.0
        assert float(row[5]) > 15.0
        assert all(0.0 <= float(row[place].removesuffix("%")) <= 100.0 for place in (4, 6))
    assert [row[:2] for row in ways[2:]] == [row[:2] for row in converted[2:]]
    for row, way in zip(converted[2:], ways[2:], strict=True):
        ratios = [float(cell.strip("*")) for cell in way[2:] if cell != "-"]
        (kept,) = (float(cell.strip("*")) for cell in way[2:] if cell.startswith("**"))
        assert kept == float(row[3])
        assert kept >= max(ratios) - 0.2
    (reason,) = failed[2:]
    assert reason[:2] == ["torch", "refused"]
    assert "aten.softmax.int: 2 in stem, module 1; stem, module 2" in reason[2]


def test_without_equalization_and_bias_correction(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "SUBJECTS", (tool.Subject("torch", "tiny", lambda: nn.Conv2d(3, 4, 1)),))
    monkeypatch.setattr(sys, "argv", ["tool", "--plain", "--images", "1", "--size", "32", "32"])
    tool.main()
    tables = capsys.readouterr().out.split("\n\n")
    assert len(tables) == 2
    assert len(rows(tables[0])) == 3

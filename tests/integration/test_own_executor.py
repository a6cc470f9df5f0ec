"""An executor that a package of one's own brings is found by its entry point, said in its own words, and previewed like every other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "executor"
ENTRY_POINTS = (
    "[sre_copilot.executors]\nlamp = lamp:LampExecutor\n[sre_copilot.sentences]\nlamp = lamp:WORDS\n"
)
pytestmark = pytest.mark.integration


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The package as an installation leaves it, and a lamp."""
    installed = tmp_path / "sre_copilot_lamp-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: sre-copilot-lamp\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "hall").write_text("on")
    file = tmp_path / "config.yaml"
    file.write_text(
        f"store: {{folder: {tmp_path / 'data'}}}\n"
        f"actions: {{executors: [{{type: lamp, folder: {tmp_path}}}], targets: [{{service: hall, executor: lamp, kind: lamp, name: hall}}]}}\n"
    )
    return file


def said(config: Path, *arguments: str) -> str:
    paths = os.pathsep.join((str(config.parent), str(EXAMPLE)))
    command = [sys.executable, "-m", "sre_copilot", *arguments, "--config", str(config)]
    found = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": paths})  # fmt: skip
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_its_actions_are_listed_in_its_own_words(config: Path) -> None:
    (row,) = json.loads(said(config, "action", "list", "--output", "json"))["items"]
    assert (row["name"], row["does"], row["level"]) == ("lamp.set", "Switches a lamp on or off.", "MEDIUM")


def test_what_it_would_do_is_shown_and_not_done_and_a_plan_of_it_waits(config: Path) -> None:
    action = ("action", "run", "lamp.set", "--target", "hall", "--param", "to=off")
    assert "state: on -> off" in said(config, *action, "--dry-run")
    assert "waits for an approver" in said(config, *action, "--reason", "night")
    assert (config.parent / "hall").read_text() == "on"

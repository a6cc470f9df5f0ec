"""Commands that speak to the server or read one file do not import the numeric libraries that investigate."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("sklearn", "pandas", "numba", "dbos", "sre_copilot.incidents.watch.learning")
ASKED = "import sys, importlib; importlib.import_module(sys.argv[1]); print([each for each in sys.argv[2:] if each in sys.modules])"  # fmt: skip


@pytest.mark.integration
@pytest.mark.parametrize("command", ["action", "workflow", "stats", "plan", "policy", "killswitch", "audit"])
def test_a_light_command_imports_nothing_heavy(command: str) -> None:
    given = [sys.executable, "-c", ASKED, f"sre_copilot.cli.{command}", *HEAVY]
    found = subprocess.run(given, capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "[]"

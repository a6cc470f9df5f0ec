"""The lock files: what the first command installs is a part of what the later ones install, pin for pin."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-extras.lock")
PIN = re.compile(r"^([a-z0-9][\w.-]*?)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(name: str) -> set[tuple[str, str]]:
    return set(PIN.findall(text(name)))


def test_each_lock_holds_the_pins_of_the_one_before_it() -> None:
    run, develop, everything = map(pins, LOCKS)
    assert run < develop < everything
    assert len(run) > 100


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes_and_no_address(name: str) -> None:
    blocks = re.split(r"\n(?=[^\s#])", text(name))
    assert [each.split()[0] for each in blocks if "--hash=sha256:" not in each] == []
    assert "://" not in text(name)
    assert "index-url" not in text(name)


def test_what_running_needs_is_in_the_lock_of_running() -> None:
    project = tomllib.loads(text("pyproject.toml"))
    wanted = {
        re.split(r"[\[<>=;, ]", each)[0].lower()
        for each in [*project["project"]["dependencies"], *project["dependency-groups"]["build"]]
    }
    assert wanted <= {name for name, _ in pins("requirements.lock")}
    assert {"pytest", "mypy", "hypothesis"} & {name for name, _ in pins("requirements.lock")} == set()

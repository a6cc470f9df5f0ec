"""The commands as a person runs them: exit codes, outputs, errors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sre_copilot.testing.cases import build_case

SHOP = {"network_delay": "network/delay", "missing_step": "code/missing-step"}


def sre_copilot(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sre_copilot", *map(str, arguments)]
    env = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=60)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_case("network_delay", seed=3).write(tmp_path_factory.mktemp("collection"))


def test_a_fault_is_named_with_its_kind_and_the_exit_code_is_0(broken: Path) -> None:
    truth = json.loads((broken / "truth.json").read_text(encoding="utf-8"))
    done = sre_copilot("investigate", broken, "--output", "json", "--lang", "en")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"]["outcome"] == "fault"
    assert report["verdict"]["entity"] == truth["service"]
    assert report["verdict"]["fault_type"] == SHOP["network_delay"]


def test_a_quiet_case_is_no_fault_and_the_exit_code_is_0(tmp_path: Path) -> None:
    done = sre_copilot("investigate", build_case("none", seed=4).write(tmp_path), "--output", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"]["outcome"] == "no_fault"


def test_a_case_without_telemetry_is_inconclusive_and_the_exit_code_is_3(tmp_path: Path) -> None:
    folder = tmp_path / "blind"
    folder.mkdir()
    (folder / "case.json").write_text('{"id": "blind", "set": "x", "modalities": []}', encoding="utf-8")
    done = sre_copilot("investigate", folder)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr


def test_bad_input_is_one_sentence_that_names_the_file_and_the_exit_code_is_2(tmp_path: Path, broken: Path) -> None:
    (tmp_path / "case.json").write_text("{", encoding="utf-8")
    for folder in (tmp_path, tmp_path / "absent"):
        done = sre_copilot("investigate", folder)
        assert done.returncode == 2
        assert "case.json" in done.stderr or "absent" in done.stderr
        assert "Traceback" not in done.stderr
    done = sre_copilot("investigate", broken, "--output", "md", "--out", tmp_path / "no" / "where.md")
    assert done.returncode == 2
    assert "--out" in done.stderr


def test_usage_errors_have_exit_code_2() -> None:
    assert sre_copilot("investigate").returncode == 2
    assert sre_copilot("investigate", "x", "--output", "pdf").returncode == 2
    assert sre_copilot("nonsense").returncode == 2


@pytest.mark.parametrize("output", ["table", "md", "html", "json"])
def test_each_form_is_written_to_a_file_in_chinese(broken: Path, tmp_path: Path, output: str) -> None:
    out = tmp_path / f"report.{output}"
    done = sre_copilot("investigate", broken, "--output", output, "--out", out, "--lang", "zh")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "网络延迟" in out.read_text(encoding="utf-8")


def test_the_language_is_that_of_the_locale(broken: Path) -> None:
    done = sre_copilot("investigate", broken, LANG="zh_CN.UTF-8", LC_ALL="zh_CN.UTF-8")
    assert "网络延迟" in done.stdout


def test_the_plugins_are_listed_with_their_package() -> None:
    done = sre_copilot("plugins")
    assert done.returncode == 0
    for name in ("recorded", "telemetry", "walk", "state", "sre-copilot"):
        assert name in done.stdout


def test_the_answer_does_not_depend_on_the_truth_being_there(broken: Path, tmp_path: Path) -> None:
    shutil.copytree(broken.parents[1], tmp_path / "copy")
    copy = tmp_path / "copy" / "cases" / broken.name
    (copy / "truth.json").unlink()
    one = sre_copilot("investigate", broken, "--output", "json").stdout
    other = sre_copilot("investigate", copy, "--output", "json").stdout
    assert json.loads(one) == json.loads(other)

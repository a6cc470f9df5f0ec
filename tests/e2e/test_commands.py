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

pytestmark = pytest.mark.integration  # each starts a process for each command

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="the system has no full device")
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


def test_bad_input_is_one_sentence_that_names_the_file_and_the_exit_code_is_2(
    tmp_path: Path, broken: Path
) -> None:
    (tmp_path / "case.json").write_text("{", encoding="utf-8")
    for folder in (tmp_path, tmp_path / "absent", tmp_path / ("absent" * 100)):
        done = sre_copilot("investigate", folder)
        assert done.returncode == 2
        assert "case.json" in done.stderr or "absent" in done.stderr
        assert "Traceback" not in done.stderr
    done = sre_copilot("investigate", broken, "--output", "md", "--out", tmp_path / "no" / "where.md")
    assert done.returncode == 2
    assert "--out" in done.stderr


def test_an_error_that_quotes_a_hostile_case_holds_no_control_code(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text(r'{"id": "x", "k\u001b[31m": 1, "k\u001b[31m": 2}', encoding="utf-8")
    done = sre_copilot("investigate", tmp_path)
    assert done.returncode == 2
    assert r"k\x1b[31m" in done.stderr
    assert "\x1b" not in done.stderr


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


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
@pytest.mark.parametrize("output", ["table", "md", "json"])
def test_a_stream_without_the_letters_is_no_error(
    broken: Path, environment: dict[str, str], output: str
) -> None:
    done = sre_copilot("investigate", broken, "--lang", "zh", "--output", output, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    if output != "table":
        assert "网络延迟" in done.stdout  # a document is UTF-8 whatever the locale says


@needs_full
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_full_disk_is_one_sentence_and_exit_code_1(broken: Path, output: str) -> None:
    command = [sys.executable, "-m", "sre_copilot", "investigate", str(broken), "--output", output]
    with FULL.open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    assert done.stderr.startswith("sre-copilot: standard output: No space left on device")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--output", "json"], ["--output", "table"]])
def test_a_reader_that_has_read_enough_is_no_error(broken: Path, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sre_copilot", "investigate", str(broken), *arguments]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_ending_of_the_file_says_the_form_and_a_dash_is_standard_output(
    broken: Path, tmp_path: Path
) -> None:
    assert sre_copilot("investigate", broken, "--out", tmp_path / "a.html").returncode == 0
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert sre_copilot("investigate", broken, "--out", tmp_path / "b.html", "-o", "json").returncode == 0
    json.loads((tmp_path / "b.html").read_text(encoding="utf-8"))
    done = sre_copilot("investigate", broken, "--out", "-", "-o", "json")
    assert json.loads(done.stdout) == json.loads((tmp_path / "b.html").read_text(encoding="utf-8"))


def test_a_folder_of_cases_is_answered_with_the_name_of_one(broken: Path, tmp_path: Path) -> None:
    for folder in (broken.parent, broken.parents[1]):
        done = sre_copilot("investigate", folder)
        assert done.returncode == 2
        assert f"{folder} holds 1 case; name one of them, for example {broken}" in done.stderr
    assert f"missing in {tmp_path}" in sre_copilot("investigate", tmp_path).stderr


def test_a_case_that_cannot_be_read_is_listed_after_the_tables_and_the_exit_code_is_1(tmp_path: Path) -> None:
    folder = build_case("cpu", seed=5, requests_per_second=0.1, baseline=False).write(tmp_path)
    (folder / "metrics.parquet").write_bytes(b"PAR1")
    done = sre_copilot("eval", "rca", tmp_path, "--jobs", "1", "--json", tmp_path / "figures.json")
    assert done.returncode == 1
    assert "Could not be judged: 1" in done.stdout
    assert f"{folder.name}: metrics.parquet: cannot be read" in done.stdout
    assert (tmp_path / "figures.json").exists()


def test_figures_that_cannot_be_written_are_refused_before_anything_is_judged(tmp_path: Path) -> None:
    done = sre_copilot("eval", "rca", tmp_path / "nowhere", "--json", tmp_path / "no" / "figures.json")
    assert done.returncode == 2
    assert "--json" in done.stderr


def test_a_plugin_brings_its_own_sentences(broken: Path, tmp_path: Path) -> None:
    about = tmp_path / "stranger-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[sre_copilot.detectors]\nmoon = stranger:detect\n[sre_copilot.sentences]\nmoon = stranger:WORDS\n"
    )
    (tmp_path / "stranger.py").write_text(
        "from sre_copilot.cognition.detector import Detection\n"
        "from sre_copilot.domain.evidence import Gap, Message\n"
        "WORDS = {'gap.moon': {'en': 'the moon hid {side} side', 'zh': '看不到月亮的 {side} 侧'}}\n"
        "def detect(observation):\n"
        "    message = Message(key='gap.moon', params=(('side', 'its far'),))\n"
        "    return Detection(gaps=(Gap(modality='metrics', message=message),))\n"
    )
    listed = sre_copilot("plugins", PYTHONPATH=str(tmp_path))
    assert "stranger:WORDS" in listed.stdout
    said = sre_copilot("investigate", broken, "--lang", "en", "-o", "md", PYTHONPATH=str(tmp_path))
    assert "the moon hid its far side" in said.stdout, said.stderr
    (tmp_path / "stranger.py").write_text("WORDS = {'gap.moon': {'en': 'half'}}\ndetect = print\n")
    refused = sre_copilot("investigate", broken, PYTHONPATH=str(tmp_path))
    assert refused.returncode == 1
    assert "key 'gap.moon'" in refused.stderr

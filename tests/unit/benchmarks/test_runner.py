from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from benchmarks import __main__ as runner
from benchmarks import detection_accuracy
from benchmarks.figure import Figure, PeerMissing, Peers
from benchmarks.peers import detectors
from benchmarks.peers_environment import PeersEnvironment


def module(figure: Figure | None) -> SimpleNamespace:
    def measure(peers: Peers) -> Figure:
        if figure is None:
            raise ZeroDivisionError("nothing to divide by")
        return figure

    return SimpleNamespace(NAME="x", ABOUT="what it is", measure=measure)


def test_every_benchmark_has_a_name_and_a_sentence() -> None:
    found = runner.available()
    assert "detection_accuracy" in found
    assert all(each.ABOUT for each in found.values())


def test_figures_are_written_in_the_documented_form_and_one_that_fails_ends_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = Figure(unit="points/s", ours=2_000.0, peer=500.0, of_limit=0.7, detail={"other": 3.0})
    monkeypatch.setattr(runner, "available", lambda: {"bad": module(None), "good": module(good)})
    file = tmp_path / "figures.json"
    assert runner.main(["--no-peers", "--json", str(file)]) == 1
    written = json.loads(file.read_text())
    assert written["good"] == {
        "ours": 2_000.0,
        "peer": 500.0,
        "ratio": 4.0,
        "of_limit": 0.7,
        "unit": "points/s",
        "detail": {"other": 3.0},
    }
    assert written["bad"]["ours"] is None
    assert "nothing to divide by" in written["bad"]["failure"]
    assert "70%" in capsys.readouterr().out


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        runner.main(["no-such-thing"])
    assert "there are" in capsys.readouterr().err


def installed(folder: Path) -> PeersEnvironment:
    """An environment without any package, ready at once: its interpreter is this one."""
    requirements = folder / "requirements.txt"
    requirements.write_text("")
    environment = PeersEnvironment(folder=folder / "venv", requirements=requirements)
    (folder / "venv/bin").mkdir(parents=True)
    (folder / "venv/bin/python").symlink_to(sys.executable)
    (folder / "venv/installed.sha256").write_text(environment.wanted())
    return environment


def test_a_peer_that_fails_is_missing_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(PeerMissing, match=r"nowhere\.py failed: .*No such file"):
        installed(tmp_path).run("nowhere.py")


def test_peers_of_detection_judge_by_the_past_alone() -> None:
    values = np.sin(np.arange(400) / 5) + 0.1 * np.random.default_rng(0).normal(size=400)
    values[300] += 10
    assert set(detection_accuracy.PEERS) == set(detectors.DETECTORS)
    for name in ("knn 5", "pca 16", "pca 64", "rolling mad"):
        scores = detectors.DETECTORS[name](values)
        assert scores[300] > np.nanquantile(scores[200:300], 0.99), name
        later = values.copy()
        later[350:] = 0
        np.testing.assert_allclose(
            detectors.DETECTORS[name](later)[:350], scores[:350], rtol=1e-6, err_msg=name
        )


class InThisProcess:
    """Runs the peers here, which need no library of their own; but not those that are `away`."""

    def __init__(self, *away: str) -> None:
        self.away = away

    def run(self, script: str, *arguments: str) -> dict[str, object]:
        assert script == "detectors.py"
        if arguments[0] in self.away:
            raise PeerMissing("it took too long")
        return detectors.main(*arguments)


def test_detection_is_measured_beside_the_best_peer_and_without_ratio_when_one_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "timeseries"
    place.mkdir()
    values = 10 + np.random.default_rng(0).normal(size=600)
    values[400:405] += 20
    times = pl.Series(1_767_225_600 + 300 * np.arange(600)).cast(pl.Datetime("ms"))
    label = ((np.arange(600) >= 400) & (np.arange(600) < 405)).astype(np.int8)
    pl.DataFrame({"series": "a", "timestamp": times, "value": values, "label": label}).write_parquet(
        place / "donut.parquet"
    )
    monkeypatch.setenv("SRE_COPILOT_DATA", str(tmp_path))
    monkeypatch.setattr(detection_accuracy, "DETECTOR", "mad")
    monkeypatch.setattr(detection_accuracy, "PEERS", ("rolling mad", "knn 5"))
    figure = detection_accuracy.measure(InThisProcess())
    best = max(figure.detail["knn 5 donut"], figure.detail["rolling mad donut"])
    assert figure.peer == best
    assert figure.detail["ratio donut"] == pytest.approx(figure.ours / figure.peer)
    assert "knn 5: donut" in capsys.readouterr().err
    half = detection_accuracy.measure(InThisProcess("knn 5"))
    assert half.peer is None
    assert half.detail["peers_missing"] == "knn 5: it took too long"
    assert half.detail["rolling mad donut"] == figure.detail["rolling mad donut"]

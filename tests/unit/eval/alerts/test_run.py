"""The evaluation of alerts as a whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from sre_copilot.cli.main import app
from sre_copilot.errors import UsageError
from sre_copilot.eval.alerts.dataset import read_scenarios
from sre_copilot.eval.alerts.direct import play
from sre_copilot.eval.alerts.grouping import grouped
from sre_copilot.eval.alerts.run import evaluate
from sre_copilot.eval.alerts.scores import chance_of, score
from sre_copilot.eval.alerts.told import Incident, Run
from sre_copilot.settings.alerting.correlation import Correlation

NONE = "false_positive"
COLUMNS = ("scenario", "time", "name", "ip", "host", "time_label")


def labelled(folder: Path) -> Path:
    """Three days of logins every ten minutes, and two bursts of things never seen on the third."""
    rows = [("site", 600 * each, "Login", "10.0.0.1", "mail", NONE) for each in range(432)]
    late = 2 * 86_400 + 100
    rows += [("site", late + each % 3, f"Scan {each}", "10.0.0.2", "web", "scan") for each in range(6)]
    rows += [("site", late + 7200, "Shell opened", "10.0.0.2", "web", "shell")] * 3
    table = pl.DataFrame(rows, schema=list(COLUMNS), orient="row").sample(fraction=1, shuffle=True, seed=1)
    file = folder / "ait_alerts.parquet"
    table.write_parquet(file)
    return file


def test_the_command_tells_of_what_is_new_and_of_nothing_else(tmp_path: Path) -> None:
    labelled(tmp_path)
    out = tmp_path / "out.json"
    done = CliRunner().invoke(app, ["eval", "alerts", str(tmp_path), "--leave-one-out", "--json", str(out)])
    assert done.exit_code == 0
    alerts = json.loads(out.read_text(encoding="utf-8"))["alerts"]
    site = alerts["scenarios"]["site"]
    assert (site["alerts"], site["phases"], site["visible"], site["missing"]) == (441, 2, 2, [])
    assert site["right"] == 2
    assert site["messages"] == 2 * site["told"] <= 6
    assert 0 <= site["chance"] < site["precision"]
    assert alerts["peer"]["all"]["messages"] > 0
    assert set(alerts["left_out"]) == {"site"}


def test_labels_do_not_decide_anything(tmp_path: Path) -> None:
    file = labelled(tmp_path)
    one = play(read_scenarios(file)[0], Correlation())
    pl.read_parquet(file).with_columns(time_label=pl.lit("other")).write_parquet(file)
    two = play(read_scenarios(file)[0], Correlation())
    assert [(each.id, each.woken, each.messages, each.size) for each in one.incidents] == [
        (each.id, each.woken, each.messages, each.size) for each in two.incidents
    ]


def test_the_whole_pipeline_tells_of_what_is_new(tmp_path: Path) -> None:
    labelled(tmp_path)
    found = evaluate(tmp_path, pipeline=True).scenarios[0]
    assert found.missing == ()
    assert found.told <= 3
    assert found.messages >= found.told


def test_half_of_the_alerts_is_no_majority_and_background_is_no_phase() -> None:
    def incident(**phases: int) -> Incident:
        found = Incident("i", woken=True)
        found.phases.update({name.strip("_"): count for name, count in phases.items()})
        return found

    assert incident(scan=1, probe=1).majority == ""
    assert incident(scan=2, probe=1).majority == "scan"
    assert incident(_=3, scan=2).majority == ""


def test_only_incidents_that_woke_somebody_make_a_phase_visible(tmp_path: Path) -> None:
    scenario = read_scenarios(labelled(tmp_path))[0]
    quiet = Incident("q", woken=False)
    quiet.phases["scan"] = 6
    found = score(scenario, Run("site", 10, (quiet,)))
    assert (found.visible, found.listed_visible, found.missing) == (0, 1, ("scan", "shell"))


def test_chance_is_the_share_of_a_phase_for_incidents_of_one_alert() -> None:
    phases = ["scan"] * 30 + [""] * 70
    told = []
    for number in range(40):
        each = Incident(str(number), woken=True)
        each.phases[""] = 1
        told.append(each)
    assert chance_of(phases, told) == pytest.approx(0.3, abs=0.05)
    assert chance_of(phases, []) == 0


def test_the_peer_begins_a_new_group_after_an_hour_of_silence(tmp_path: Path) -> None:
    scenario = read_scenarios(labelled(tmp_path))[0]
    assert len(grouped(scenario).told) == 1 + 6 + 1
    assert len(grouped(scenario, gap_s=60).told) == 432 + 6 + 1


def test_a_folder_without_alerts_is_refused_with_the_name_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ait_alerts\.parquet"):
        evaluate(tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    file = labelled(tmp_path)
    pl.read_parquet(file).drop("host").write_parquet(file)
    with pytest.raises(UsageError, match="host"):
        evaluate(tmp_path)


@pytest.mark.data
@pytest.mark.skipif("SRE_COPILOT_DATA" not in os.environ, reason="SRE_COPILOT_DATA names no collection")
def test_the_collection_keeps_what_is_promised_over_all_its_scenarios() -> None:
    found = evaluate(Path(os.environ["SRE_COPILOT_DATA"])).as_dict()["alerts"]
    assert found["all"]["reduction"] >= 0.999
    assert found["all"]["precision"] >= 0.3
    assert found["all"]["precision"] > 4 * found["peer"]["all"]["precision"]
    assert found["seconds"] < 60

"""`sre-copilot oncall` in a terminal."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sre_copilot.app.alert_checks import check_alerting
from sre_copilot.cli.oncall import app
from sre_copilot.settings.loading import load

CONFIGURATION = """
store: {{folder: {folder}}}
alerting:
  people:
    persons: {{ann: {{name: Ann Lee}}, bob: {{}}, zhang: {{name: 张三}}}}
    schedules:
      main: {{time_zone: Europe/Berlin, layers: [{{start: 2026-01-05, order: [ann, zhang]}}]}}
      nights:
        layers:
          - {{every: daily, start: 2026-01-05, hand_over: "18:00", order: [bob], restrictions: [{{start: "18:00", end: "06:00"}}]}}
"""
EVENT = "BEGIN:VEVENT\nUID:{uid}\nDTSTART:2020010{day}T000000Z\nDURATION:P1D\nRRULE:FREQ=DAILY;INTERVAL=2\nSUMMARY:{who}\nEND:VEVENT\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIGURATION.format(folder=tmp_path / "data"), encoding="utf-8")
    return file


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(config)])


def ics(folder: Path, *who: str) -> Path:
    events = "".join(EVENT.format(uid=number, day=number + 1, who=each) for number, each in enumerate(who))
    file = folder / "rota.ics"
    file.write_text(f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{events}END:VCALENDAR\n", encoding="utf-8")
    return file


def test_the_week_is_shown_as_a_table_and_a_picture_in_the_time_of_the_schedule(config: Path) -> None:
    shown = run(config, "show", "--schedule", "main", "--at", "2026-03-26T12:00:00Z")
    assert shown.exit_code == 0, shown.output
    assert "main (Europe/Berlin), Thu 2026-03-26 13:00 +0100: 张三" in shown.output
    assert "Mon 2026-03-30 09:00 +0200" in shown.output
    rows = [line for line in shown.output.splitlines() if "█" in line and "│" not in line]
    assert rows[0].startswith("张三")
    assert rows[0].endswith("····▒███|████████|████████|████████|███·····|········|········")
    assert rows[1].endswith("········|········|········|········|···█████|████████|████████")


def test_a_time_in_which_nobody_is_on_call_is_shown_and_is_the_exit_code(config: Path) -> None:
    shown = run(config, "show", "--at", "2026-03-26T12:00:00Z", "--days", "1")
    assert shown.exit_code == 1
    assert "NOBODY; next hand-over Thu 2026-03-26 18:00 +0000" in shown.output
    assert "!!" in shown.output
    assert run(config, "show", "--at", "2026-03-26T22:00:00Z").exit_code == 0


def test_the_document_holds_shifts_and_gaps(config: Path) -> None:
    shown = run(config, "show", "--at", "2026-03-26T12:00:00Z", "--days", "1", "--output", "json")
    main, nights = json.loads(shown.stdout)["items"]
    assert (main["on_call"][0]["person"], main["gaps"]) == ("zhang", [])
    assert nights["gap"]
    assert [each["start"] for each in nights["gaps"]] == ["2026-03-26T12:00:00Z", "2026-03-27T06:00:00Z"]


def test_somebody_takes_over_for_some_hours_and_is_taken_out_again(config: Path) -> None:
    added = run(config, "override", "main", "bob", "--for", "8h", "--reason", "swap")
    assert added.exit_code == 0, added.output
    assert run(config, "show", "--schedule", "main").output.splitlines()[0].split("; ")[0].endswith(": bob")
    listed = json.loads(run(config, "overrides", "--output", "json").stdout)["items"]
    assert [(each["person"], each["reason"]) for each in listed] == [("bob", "swap")]
    assert run(config, "remove-override", listed[0]["id"]).exit_code == 0
    assert "bob" not in run(config, "show", "--schedule", "main").output


def test_wrong_names_and_times_are_refused(config: Path) -> None:
    for arguments in (
        ("override", "main", "bob"),
        ("override", "main", "bob", "--for", "1h", "--to", "2030-01-01T00:00:00Z"),
        ("override", "main", "bobby", "--for", "1h"),
        ("override", "mian", "bob", "--for", "1h"),
        ("override", "main", "bob", "--to", "2020-01-01T00:00:00Z"),
        ("remove-override", "O-none"),
        ("show", "--schedule", "mian"),
        ("show", "--output", "xml"),
        ("import", "none.ics", "--dry-run"),
    ):
        assert run(config, *arguments).exit_code != 0, arguments


def test_an_import_is_shown_first_and_each_shift_is_taken_once(config: Path, tmp_path: Path) -> None:
    file = str(ics(tmp_path, "Ann Lee", "bob"))
    shown = run(config, "import", file, "--dry-run", "--days", "6")
    assert shown.exit_code == 0, shown.output
    assert "nothing is changed (--dry-run)" in shown.output
    assert json.loads(run(config, "overrides", "-o", "json").stdout)["items"] == []
    assert run(config, "import", file).exit_code != 0
    first = json.loads(run(config, "import", file, "--schedule", "main", "--days", "6", "-o", "json").stdout)
    second = json.loads(run(config, "import", file, "--schedule", "main", "--days", "6", "-o", "json").stdout)
    assert first["new"] == len(first["shifts"]) == 7
    assert second["new"] == 0


def test_an_import_that_names_somebody_unknown_or_two_at_once_changes_nothing(
    config: Path, tmp_path: Path
) -> None:
    unknown = run(config, "import", str(ics(tmp_path, "Ann Lee", "Dora")), "--schedule", "main")
    assert "event 'Dora'" in str(unknown.exception)
    both = run(config, "import", str(ics(tmp_path, "Ann Lee & bob")), "--schedule", "main")
    assert "both on call" in str(both.exception)
    assert json.loads(run(config, "overrides", "-o", "json").stdout)["items"] == []


def test_the_example_of_the_documentation_works_as_it_is_copied(tmp_path: Path) -> None:
    page = Path("docs/howto/on-call.md").read_text(encoding="utf-8")
    config = tmp_path / "config.yaml"
    example = page.partition("```yaml\n")[2].partition("```")[0]
    config.write_text(f"store: {{folder: {tmp_path / 'data'}}}\n{example}", encoding="utf-8")
    remarks = check_alerting(load(config))
    assert not [each for each in remarks if "no route and no policy" in each]
    line = next(each for each in page.splitlines() if each.startswith("sre-copilot oncall override "))
    arguments = shlex.split(line)[2:]
    done = CliRunner().invoke(app, [*arguments, "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert "bob takes over payments" in done.output

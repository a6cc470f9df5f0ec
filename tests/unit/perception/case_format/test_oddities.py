from __future__ import annotations

import json
from pathlib import Path

import pytest

from sre_copilot.incidents.report import say
from sre_copilot.perception.case_format.case_check import CaseCheck, check_case
from sre_copilot.perception.case_format.remarks import Remark
from sre_copilot.testing.cases import END, START, Case, build_case


@pytest.fixture(scope="module")
def case() -> Case:
    return build_case("cpu", requests_per_second=0.1)


def notes(found: CaseCheck) -> dict[str, Remark]:
    return {each.key.removeprefix("note.reader."): each for each in found.remarks if not each.is_gap}


def words(remark: Remark) -> str:
    return say(remark.message, "en")


def test_a_field_that_is_not_read_is_named_with_the_one_that_may_have_been_meant(
    case: Case, tmp_path: Path
) -> None:
    folder = case.with_facts(windows=[1, 2], t_injected=3, colour="red", alert={"nod": "a"}).write(tmp_path)
    found = check_case(folder)
    said = [words(each) for each in found.remarks]
    assert found.ok
    assert any("'colour'" in each and "meant" not in each for each in said)
    assert any("'alert.nod'" in each and "'alert.node'" in each for each in said)


def test_the_nearest_name_is_one_that_is_not_given_already(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text('{"id": "x", "windw": [1, 2], "T_Inject": 3}')
    said = [words(each) for each in check_case(tmp_path).remarks]
    assert any("'windw'" in each and "is 'window' meant" in each for each in said)
    assert any("'T_Inject'" in each and "is 't_inject' meant" in each for each in said)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("metrics.csv", "metrics.parquet"), ("Logs.json", "logs.parquet"), ("alerts.csv", "alerts.json")],
)
def test_a_table_in_another_form_is_to_be_converted(
    case: Case, tmp_path: Path, name: str, wanted: str
) -> None:
    folder = case.write(tmp_path)
    (folder / name).write_text("ts,value\n")
    said = words(notes(check_case(folder))["file_to_convert"])
    assert name in said
    assert f"convert it to {wanted}" in said


def test_a_case_without_telemetry_is_fine_and_says_that_nothing_can_be_concluded(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text('{"id": "blind"}')
    found = check_case(tmp_path)
    assert found.ok
    assert "nothing can be concluded" in words(notes(found)["nothing_recorded"])
    assert found.contents == ()


def test_entities_that_appear_in_no_table_are_counted_and_three_are_named(case: Case, tmp_path: Path) -> None:
    edges = [*case.documents["topology"]["edges"], *([f"ghost-{i}", "entry"] for i in range(5))]
    folder = case.with_document("topology", {"edges": edges}).write(tmp_path)
    said = words(notes(check_case(folder))["entities_unseen"])
    assert said.startswith("5 of ")
    assert said.rstrip(".").endswith(": ghost-0, ghost-1, ghost-2")


def test_an_entity_in_other_letters_is_said_to_be_another_one(case: Case, tmp_path: Path) -> None:
    edges = case.documents["topology"]["edges"]
    caller, callee = edges[0]
    folder = case.with_document("topology", {"edges": [*edges, [caller.upper(), callee]]}).write(tmp_path)
    said = words(notes(check_case(folder))["entities_spelt"])
    assert caller.upper() in said
    assert said.rstrip(".").endswith(f"the tables write {caller}")


def test_an_entity_that_kubectl_speaks_of_is_seen(tmp_path: Path) -> None:
    case = build_case("cpu", requests_per_second=0.1)
    edges = [*case.documents["topology"]["edges"], ["queue", "entry"]]
    state = case.tables["metrics"].head(1).select(key="service", text="service")
    state = state.with_columns(key=state["key"].replace_strict({}, default="kubectl get pods"))
    state = state.with_columns(text=state["key"] + "\nqueue-1 Running")
    folder = case.with_document("topology", {"edges": edges}).with_table("state", state).write(tmp_path)
    assert "entities_unseen" not in notes(check_case(folder))


def test_what_was_read_is_listed_with_rows_services_and_time(case: Case, tmp_path: Path) -> None:
    found = {each.file: each for each in check_case(case.write(tmp_path)).contents}
    metrics = found["metrics.parquet"]
    assert metrics.rows == case.tables["metrics"].height
    assert metrics.services == case.tables["metrics"]["service"].n_unique()
    assert metrics.span is not None
    assert START <= metrics.span.start < metrics.span.end <= END
    assert found["baselines/quiet-day/traces.parquet"].rows == case.baseline["traces"].height
    assert found["topology.json"].rows == len(case.documents["topology"]["edges"])


def test_a_bad_case_lists_nothing_as_read(case: Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path)
    (folder / "alerts.json").write_text(json.dumps([]))
    assert check_case(folder).contents == ()

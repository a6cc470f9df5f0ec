import json
import random
import shutil
from pathlib import Path

import polars as pl
import pytest

from sre_copilot.errors import BadCaseError
from sre_copilot.eval.rca.perturb import new_names, original_name, renamed_copy, rewriter, shifted
from sre_copilot.perception.recorded import RecordedSource
from sre_copilot.testing.cases import ONSET, build_case
from sre_copilot.testing.shop import CALLS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_case("exception", culprit="order").write(tmp_path_factory.mktemp("perturb"))


def test_a_renamed_copy_holds_no_old_name_and_no_truth(folder: Path, tmp_path: Path) -> None:
    copy, names = renamed_copy(folder, tmp_path, seed=1)
    assert set(names.values()) >= set(CALLS)
    assert not (copy / "truth.json").exists()
    observation = RecordedSource(copy).observe()
    assert observation.incident.id != RecordedSource(folder).observe().incident.id
    assert observation.reference is not None
    assert observation.current.traces is not None
    assert set(observation.current.traces["service"]) <= set(names)
    assert set(observation.topology.entities) <= set(names)


def test_only_names_and_order_change(folder: Path, tmp_path: Path) -> None:
    copy, names = renamed_copy(folder, tmp_path, seed=2)
    before, after = (pl.read_parquet(each / "traces.parquet") for each in (folder, copy))
    assert after["span_id"].to_list() != before["span_id"].to_list()
    back = after.with_columns(pl.col("service").replace(dict(names))).sort("span_id")
    assert back["service"].equals(before.sort("span_id")["service"])
    assert back["duration_us"].equals(before.sort("span_id")["duration_us"])
    assert json.loads((copy / "case.json").read_text())["t_inject"] == ONSET


def test_the_same_seed_gives_the_same_copy(folder: Path, tmp_path: Path) -> None:
    one, two = (renamed_copy(folder, tmp_path / name, seed=5) for name in ("one", "two"))
    assert one[1] == two[1]
    assert one[0].name == two[0].name


def test_names_are_replaced_as_words_and_longer_ones_first() -> None:
    rewrite = rewriter({"cart": "zz", "cart-db": "yy"})
    assert rewrite("cart-db-7f9 calls cart, not cartography; CART_HOST=cart:80") == (
        "yy-7f9 calls zz, not cartography; ZZ_HOST=zz:80"
    )


def test_an_entity_goes_by_its_old_name_again() -> None:
    names = {"zz": "cart"}
    assert original_name("app/zz", names) == "app/cart"
    assert original_name("zz", names) == "cart"
    assert original_name("app/other", names) == "app/other"


def test_no_two_entities_get_one_name() -> None:
    names = new_names([f"s{n}" for n in range(500)], random.Random(1))  # noqa: S311
    assert len(set(names.values())) == 500


def test_a_shift_moves_the_onset_alone() -> None:
    observation = build_case(only=["metrics"]).observation()
    moved = shifted(observation, -60.0)
    assert moved.incident.onset == ONSET - 60
    assert moved.current is observation.current


def test_a_damaged_case_is_a_clear_error(folder: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "cases" / "damaged"
    shutil.copytree(folder, damaged)
    (damaged / "traces.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadCaseError, match=r"traces\.parquet"):
        renamed_copy(damaged, tmp_path / "scratch", seed=1)


def test_a_baseline_outside_of_the_collection_is_not_copied(folder: Path, tmp_path: Path) -> None:
    leaving = tmp_path / "cases" / "leaving"
    shutil.copytree(folder, leaving)
    (leaving / "case.json").write_text('{"id": "x", "baseline": "../../../etc"}', encoding="utf-8")
    with pytest.raises(BadCaseError, match="leaves"):
        renamed_copy(leaving, tmp_path / "scratch", seed=1)

import json
from pathlib import Path

import pytest

from sre_copilot.errors import BadCaseError
from sre_copilot.eval.rca.matching import means
from sre_copilot.eval.rca.truth import Truth, read_truth


def test_a_case_without_an_answer_has_none(tmp_path: Path) -> None:
    assert read_truth(tmp_path) is None


@pytest.mark.parametrize(
    ("written", "truth"),
    [
        ({"service": "web", "fault_type": "network/delay"}, Truth("web", "network/delay")),
        (
            {"service": "web", "fault_object": "app/web", "fault_type": "x", "taxonomy": "T"},
            Truth("app/web", "x", "T"),
        ),
        ({"no_fault": True}, Truth(no_fault=True)),
        ({"service": None, "fault_type": None}, Truth(no_fault=True)),
    ],
)
def test_an_answer_names_the_object_before_the_service(tmp_path: Path, written: object, truth: Truth) -> None:
    (tmp_path / "truth.json").write_text(json.dumps(written))
    assert read_truth(tmp_path) == truth


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_broken_answer_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "truth.json").write_text(text)
    with pytest.raises(BadCaseError, match=r"truth\.json"):
        read_truth(tmp_path)


def test_labels_mean_product_types_and_a_product_type_means_itself() -> None:
    assert means(Truth("a", "cpu_contention"), "resource/cpu")
    assert means(Truth("a", "cpu_consumed"), "resource/cpu")
    assert not means(Truth("a", "exception"), "code/missing-step")
    assert means(Truth("a", "database/lock"), "database/lock")
    assert not means(Truth("a", "database/lock"), None)


def test_with_a_taxonomy_both_label_and_taxonomy_must_fit() -> None:
    assert means(Truth("app/a", "kubelet_unavailable", "Infrastructure_Fault"), "node/kubelet")
    assert not means(Truth("app/a", "kubelet_unavailable", "Runtime_Fault"), "node/kubelet")

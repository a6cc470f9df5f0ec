"""Cards, reviews, labels, proposals and prompts at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sre_copilot.cli.knowledge_cards import cards_app, label, proposals_app, review_app
from sre_copilot.cli.prompts import app as prompts_app
from sre_copilot.errors import UsageError

CARDS = Path(__file__).parents[3] / "examples/knowledge/cards"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.chdir(tmp_path)
    made = typer.Typer()
    made.add_typer(cards_app, name="card")
    made.add_typer(review_app, name="review")
    made.add_typer(proposals_app, name="proposals")
    made.add_typer(prompts_app, name="prompts")
    made.command("label")(label)
    return made


def run(app: typer.Typer, *words: str) -> str:
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_the_shipped_cards_are_added_reviewed_changed_and_exported(app: typer.Typer, tmp_path: Path) -> None:
    assert run(app, "card", "add", str(CARDS), "--by", "ada").count("revision 1, draft") == 12
    assert "disk-full" in run(app, "review", "list")
    assert "disk-full: accepted" in run(app, "review", "accept", "disk-full", "--by", "ada")
    assert "traffic-surge: rejected" in run(app, "review", "reject", "traffic-surge", "--by", "ada")
    assert "磁盘写满" in run(app, "card", "show", "disk-full")
    changed = tmp_path / "changed.md"
    changed.write_text((CARDS / "disk-full.md").read_text("utf-8").replace("扩容", "告警"), encoding="utf-8")
    assert "revision 3" in run(app, "card", "edit", "disk-full", str(changed), "--by", "bob")
    assert "ada" in run(app, "card", "show", "disk-full", "--revisions")
    run(app, "review", "accept", "disk-full", "--by", "ada")
    assert "1 cards written" in run(app, "card", "export", str(tmp_path / "out"))
    assert "告警" in (tmp_path / "out/disk-full.md").read_text(encoding="utf-8")
    assert "revision 5" in run(app, "card", "restore", "disk-full", "1")


def test_nothing_is_added_when_one_file_is_wrong(app: typer.Typer, tmp_path: Path) -> None:
    folder = tmp_path / "cards"
    folder.mkdir()
    (folder / "a.md").write_text((CARDS / "disk-full.md").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "b.md").write_text("no head", encoding="utf-8")
    with pytest.raises(UsageError, match=r"b\.md: has no head"):
        run(app, "card", "add", str(folder))
    assert "disk-full" not in run(app, "card", "list")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UsageError, match="no Markdown file"):
        run(app, "card", "add", str(tmp_path / "nothing"))


def test_a_revision_that_nobody_read_is_not_accepted(app: typer.Typer, tmp_path: Path) -> None:
    run(app, "card", "add", str(CARDS / "disk-full.md"), "--by", "ada")
    changed = tmp_path / "changed.md"
    changed.write_text((CARDS / "disk-full.md").read_text("utf-8").replace("扩容", "告警"), encoding="utf-8")
    run(app, "card", "edit", "disk-full", str(changed), "--by", "bob")
    with pytest.raises(UsageError, match="is at revision 2, not at 1"):
        run(app, "review", "accept", "disk-full", "--revision", "1", "--by", "ada")
    assert "revision 2:" in run(app, "review", "accept", "disk-full", "--by", "ada")


def test_cards_may_be_accepted_as_they_are_added(app: typer.Typer) -> None:
    assert "revision 2, accepted" in run(
        app, "card", "add", str(CARDS / "disk-full.md"), "--accept", "--by", "ada"
    )
    assert "revision 2, accepted" in run(app, "card", "add", str(CARDS / "disk-full.md"), "--by", "ada")
    assert "disk-full" in run(app, "card", "list", "--standing", "accepted", "--service", "cart")


def test_labels_of_two_people_become_a_proposal_and_a_truth(app: typer.Typer) -> None:
    for by in ("ada", "bob"):
        run(
            app,
            "label",
            "i",
            "finding",
            f"F-{by}",
            "wrong",
            "--subject",
            "http_errors",
            "--score",
            "0.75",
            "--by",
            by,
        )
        correct = ("--correct", "service=cart", "--correct", "fault_type=resource/cpu")
        run(app, "label", "i", "output", "answer", "wrong", *correct, "--by", by)
    assert "1 proposals wait" in run(app, "proposals", "make")
    table = run(app, "proposals", "list")
    key = next(word for word in table.split() if word.startswith("P-"))
    assert "threshold of http_errors: 0.76" in run(app, "proposals", "accept", key, "--by", "ada")
    truths = run(app, "proposals", "cases")
    assert json.loads(truths[truths.index("{") :]) == {"i": {"service": "cart", "fault_type": "resource/cpu"}}
    with pytest.raises(UsageError, match="FIELD=TEXT"):
        run(app, "label", "i", "output", "answer", "wrong", "--correct", "cart")


def test_a_prompt_is_tried_before_it_is_used(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    file.write_text("Be brief.", encoding="utf-8")
    with pytest.raises(UsageError, match="no language model is configured"):
        run(app, "prompts", "try", str(file), "what broke?")


def test_prompts_are_listed_and_an_unknown_one_is_named(app: typer.Typer) -> None:
    assert "in use" in run(app, "prompts", "list")
    with pytest.raises(UsageError, match="there is no prompt 'nobody'"):
        run(app, "prompts", "show", "nobody")

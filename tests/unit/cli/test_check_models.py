"""What `doctor` says of models and of knowledge."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from sre_copilot.app.knowing import open_shelf
from sre_copilot.app.storing import open_database
from sre_copilot.cli.check_models import healths, knowledge_line, table_of
from sre_copilot.settings.document import Settings


def settings(folder: Path, **more: object) -> Settings:
    return Settings.model_validate({"store": {"folder": folder}, **more})


def test_a_model_that_does_not_answer_is_down_and_says_what_to_do(tmp_path: Path) -> None:
    endpoint = {"model": "openai/some", "url": "http://127.0.0.1:9/v1", "timeout_seconds": 2}
    found = healths(settings(tmp_path, llm={"models": {"fast": endpoint}}))
    assert [(health.name, health.ok) for health in found] == [("fast", False)]
    console = Console(file=io.StringIO(), width=300)
    console.print(table_of(found))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "down" in said
    assert "llm.models.fast" in said


def test_without_models_nothing_is_asked(tmp_path: Path) -> None:
    assert healths(settings(tmp_path)) == []


def test_knowledge_is_counted_and_none_is_no_problem(tmp_path: Path) -> None:
    wanted = settings(tmp_path / "data")
    assert knowledge_line(wanted) == ("knowledge: none yet; sre-copilot knowledge add PATH", True)
    (tmp_path / "disk.md").write_text(
        "# Disk full\n\nDelete old segments of the log with the cleaner.\n", encoding="utf-8"
    )
    database = open_database(wanted)
    shelf = open_shelf(wanted, database)
    shelf.add(tmp_path / "disk.md")
    said, usable = knowledge_line(wanted)
    assert not usable
    assert "1 passages, 0 with a vector, 0 cards" in said
    assert "sre-copilot knowledge reindex" in said
    shelf.reindex()
    database.close()
    assert knowledge_line(wanted) == ("knowledge: 1 passages, 1 with a vector, 0 cards", True)

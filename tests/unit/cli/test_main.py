from __future__ import annotations

import pytest
from typer.testing import CliRunner

from sre_copilot.cli.investigate import Output, form_of
from sre_copilot.cli.main import app, run
from sre_copilot.errors import BadCaseError, MethodError


def failing(error: BaseException) -> object:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadCaseError("case.json", "is bad"), 2),
        (MethodError("walk: no suspects"), 1),
        (ZeroDivisionError("by \x1b[31mred"), 1),
        (SystemExit(3), 3),
        (SystemExit(), 0),
    ],
)
def test_every_end_has_its_exit_code(error: BaseException, code: int) -> None:
    assert run(failing(error)) == code  # type: ignore[arg-type]


def test_an_unexpected_error_is_a_sentence_with_its_type_and_how_to_report_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SRE_COPILOT_TRACEBACK", raising=False)
    error = ZeroDivisionError("by \x1b[31mnothing")
    error.add_note("while judging x")
    run(failing(error))  # type: ignore[arg-type]
    said = capsys.readouterr().err
    assert r"internal error: ZeroDivisionError: by \x1b[31mnothing (while judging x)" in said
    assert "report it" in said
    assert "Traceback" not in said


def test_the_traceback_is_shown_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRE_COPILOT_TRACEBACK", "1")
    run(failing(ZeroDivisionError()))  # type: ignore[arg-type]
    assert "Traceback" in capsys.readouterr().err


def test_a_bad_value_is_one_sentence_without_the_name_of_an_exception() -> None:
    said = " ".join(CliRunner().invoke(app, ["investigate", "x", "--output", "pdf"]).output.split())
    assert "'pdf' is not one of 'table', 'json'" in said
    assert "Value error" not in said


def test_the_version_is_an_option_and_a_command() -> None:
    asked = CliRunner().invoke(app, ["--version"])
    assert (asked.exit_code, asked.output) == (0, CliRunner().invoke(app, ["version"]).output)


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.html", Output.HTML), ("a.HTM", Output.HTML), ("a.b.md", Output.MD), ("a.json", Output.JSON),
     ("a.txt", Output.TABLE), ("a", Output.TABLE)],
)  # fmt: skip
def test_the_ending_of_a_file_says_its_form(name: str, form: Output) -> None:
    from pathlib import Path

    assert form_of(Path(name)) is form

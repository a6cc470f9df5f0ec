from __future__ import annotations

import errno
from io import StringIO

import pytest
from rich.console import Console

from sre_copilot.cli import plugins
from sre_copilot.cli.streams import is_output_error, table_console
from sre_copilot.eval.rca.report import misses_table
from sre_copilot.eval.rca.summary import Miss
from sre_copilot.plugins import registered

ID = "a-case-whose-name-is-as-long-as-those-that-a-recorder-writes-" + "0123456789" * 4


def printed(miss: Miss, width: int) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(misses_table([miss]))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def miss() -> Miss:
    said, true = ("entity-" + "x" * 50, "resource/cpu"), ("other-" + "y" * 50, "network/delay")
    return Miss(case=ID, set="s", outcome="fault", probability=0.5, rank=2, said=said, true=true)


def test_a_terminal_folds_a_long_row_and_loses_no_letter_of_it(miss: Miss) -> None:
    text = printed(miss, 80)
    assert "…" not in text
    for word, letter in ((miss.said[0], "x"), (miss.true[0], "y")):
        assert text.count(letter) >= word.count(letter)


def test_a_pipe_has_the_id_of_a_case_in_one_piece(
    miss: Miss, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    table_console().print(misses_table([miss]))
    assert ID in capsys.readouterr().out


def test_a_pipe_has_every_plugin_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    plugins.plugins()
    lines = capsys.readouterr().out.splitlines()
    for plugin in registered():
        assert any(plugin.target in line and plugin.distribution in line for line in lines)


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (OSError(errno.ENOSPC, "full"), True),
        (OSError(errno.ENOSPC, "full", "a.parquet"), False),
        (OSError(errno.ENOENT, "absent"), False),
        (ValueError("x"), False),
    ],
)
def test_only_an_error_of_a_stream_is_one_of_the_output(error: Exception, is_one: bool) -> None:
    assert is_output_error(error) is is_one

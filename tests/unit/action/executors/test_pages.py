"""The pages of these executors say what can be set, and every sentence that they say exists."""

import tomllib
from pathlib import Path

import pytest

from sre_copilot.perception.settings_page import page
from sre_copilot.plugins import load_one

ROOT = Path(__file__).parents[4]
NAMES = ("git", "http", "sql", "tickets", "notification")
ROOM = ROOT / "src/sre_copilot/action/executors"
SENTENCES = tomllib.loads(
    (ROOT / "src/sre_copilot/incidents/report/messages/system_actions.toml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_every_setting(name: str) -> None:
    text = (ROOT / f"docs/reference/executors/{name}.md").read_text(encoding="utf-8")
    assert page(load_one("sre_copilot.executors", name).Settings) in text


def test_every_sentence_is_said_by_some_executor_and_exists_in_both_languages() -> None:
    files = [*ROOM.glob("notification.py"), *(each for name in NAMES for each in (ROOM / name).glob("*.py"))]
    code = "".join(each.read_text(encoding="utf-8") for each in files)
    for key, sentence in SENTENCES.items():
        assert set(sentence) == {"en", "zh"}
        group, _, word = key.rpartition(".")
        assert f'"{key}"' in code or (f'"{group}.{{' in code and f'"{word}"' in code), key

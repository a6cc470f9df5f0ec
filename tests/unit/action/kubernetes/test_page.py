"""The page of the executor says what can be set and done, and every sentence exists."""

import tomllib
from pathlib import Path

from sre_copilot.action.executors.kubernetes import SETTINGS, KubernetesExecutor
from sre_copilot.perception.settings_page import page

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/reference/executors/kubernetes.md").read_text(encoding="utf-8")
ROOM = ROOT / "src/sre_copilot/action/executors/kubernetes"
SENTENCES = tomllib.loads(
    (ROOT / "src/sre_copilot/incidents/report/messages/kubernetes_actions.toml").read_text(encoding="utf-8")
)


def test_the_page_names_every_setting_and_every_action(executor: KubernetesExecutor) -> None:
    assert page(SETTINGS) in PAGE
    assert [
        each.name for each in executor.specs() if "patch_" not in each.name and f"`{each.name}`" not in PAGE
    ] == []


def test_every_sentence_that_is_said_exists_in_both_languages_and_no_other(
    executor: KubernetesExecutor,
) -> None:
    code = "".join(each.read_text(encoding="utf-8") for each in ROOM.glob("*.py"))
    said = {each.does.key for each in executor.specs()} | {key for key in SENTENCES if f'"{key}"' in code}
    assert said == set(SENTENCES)
    assert all({"en", "zh"} == set(each) for each in SENTENCES.values())

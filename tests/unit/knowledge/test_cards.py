"""Cards and procedures are read as people write them, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.errors import UsageError
from sre_copilot.incidents.report.words import catalogue
from sre_copilot.knowledge.cards import parse_card, write_card
from sre_copilot.knowledge.signature import parse_token
from sre_copilot.knowledge.sops import parse_sop
from sre_copilot.plugins import registered

EXAMPLES = Path(__file__).parents[3] / "examples/knowledge"
CARD = """---
id: memory-full
fault_type: resource/memory
owner: 支付组
services: [payment]
severity: critical
labels: {env: production}
signature:
- metric.saturation_memory resource/memory strong
---

# 内存打满

## 根因

缓存无上限。

## 故障现象

- 接口大量失败

```
## not a heading
```

## 止损措施

重启。
"""
SOP = """---
id: sop
---
# Slow
## Indicators
- latency
## Items
- edges: who waits `query_traces`
- load
## Flow
1. Look. If calm: go to 3.
2. Restart.
3. End.
"""


def test_a_card_of_a_person_is_read_and_written_back_alike() -> None:
    card = parse_card(CARD, name="card.md")
    assert (card.lang, card.scope.services, card.scope.labels) == (
        "zh",
        ("payment",),
        (("env", "production"),),
    )
    assert card.manifestation.endswith("```\n## not a heading\n```")
    assert card.standing == "draft"
    assert parse_card(write_card(card)) == card


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("---\nid", "id", "card.md: has no head"),
        ("id: memory-full", "id: Memory Full", r"card.md: id: 'Memory Full' must be of a-z"),
        ("id: memory-full", "id: {a: 1}", r"card.md: id: must be one line"),
        ("id: memory-full", "id: [", r"card.md: head: is no YAML"),
        (
            "resource/memory\nowner",
            "resource/ram\nowner",
            r"card.md: fault_type: 'resource/ram' is not known",
        ),
        ("owner", "trust", r"card.md: trust: is no key of a card"),
        ("services: [payment]", "services: payment", r"card.md: services: must be a list"),
        ("labels: {env: production}", "labels: [a]", r"card.md: labels: must be names"),
        ("strong", "enormous", r"card.md: signature: .*'enormous' cannot be read"),
        ("## 止损措施", "## 其他", r"card.md: measure: is missing; write it below '## 止损措施'"),
        ("# 内存打满\n", "\n", r"card.md: title: is missing"),
    ],
)
def test_what_is_wrong_with_a_card_is_named_by_file_and_field(old: str, new: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_card(CARD.replace(old, new, 1), name="card.md")


def test_a_card_that_nothing_could_recall_is_refused() -> None:
    bare = CARD.replace("fault_type: resource/memory\n", "").replace(
        "- metric.saturation_memory resource/memory strong\n", ""
    )
    with pytest.raises(UsageError, match="signature: is missing"):
        parse_card(bare)


def test_a_procedure_is_indicators_items_and_a_flow_that_leads_somewhere() -> None:
    sop = parse_sop(SOP)
    assert [(item.name, item.text, item.tool) for item in sop.items] == [
        ("edges", "who waits", "query_traces"),
        ("load", "load", ""),
    ]
    assert [step.jumps for step in sop.flow] == [(3,), (), ()]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("go to 3", "go to 4", "step 1 leads to step 4"),
        ("2. Restart", "4. Restart", r"flow: must be steps 1., 2., 3"),
        ("1. Look. If calm: go to 3.\n2. Restart.\n3. End.", "Look.", "flow: is missing; write what is done"),
        ("id: sop", "fault_type: warp", "fault_type: 'warp' is not known"),
        ("- latency", "latency", "indicators: holds no list"),
        ("id: sop", "name: sop", "name: is no key"),
    ],
)
def test_what_is_wrong_with_a_procedure_is_named(old: str, new: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_sop(SOP.replace(old, new, 1), name="sop.md")


@pytest.mark.parametrize("path", sorted((EXAMPLES / "cards").glob("*.md")), ids=lambda path: path.stem)
def test_every_shipped_card_names_kinds_of_findings_that_there_are(path: Path) -> None:
    card = parse_card(path.read_text(encoding="utf-8"), name=path.name)
    assert parse_card(write_card(card)) == card
    assert [text for text in card.signature if parse_token(text).kind not in catalogue()] == []


@pytest.mark.parametrize("path", sorted((EXAMPLES / "sops").glob("*.md")), ids=lambda path: path.stem)
def test_every_shipped_procedure_names_tools_that_there_are(path: Path) -> None:
    tools = {plugin.name for plugin in registered("sre_copilot.tools")}
    sop = parse_sop(path.read_text(encoding="utf-8"), name=path.name)
    assert not tools or {item.tool for item in sop.items if item.tool} <= tools


def test_both_languages_are_shipped() -> None:
    langs = [parse_card(path.read_text(encoding="utf-8")).lang for path in (EXAMPLES / "cards").glob("*.md")]
    assert min(langs.count("en"), langs.count("zh")) >= 5

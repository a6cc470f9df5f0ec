"""Procedures as people write them are read: without a head, below any heading, in both languages; and what is wrong is said at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sre_copilot.errors import UsageError
from sre_copilot.knowledge.sops import EXAMPLE, SECTIONS, parse_sop

DOCUMENTED = Path(__file__).parents[3] / "docs/howto/procedures.md"


def flow(text: str, name: str = "full-disk.md") -> list[str]:
    return [step.text for step in parse_sop(text, name=name).flow]


@pytest.mark.parametrize(
    "text",
    [
        "1. Look.\n2. Restart it.\n",
        "# Restart\n\n## What to do\n\n1) Look.\n2) Restart it.\n",
        "Restart\n\n### Steps\n1. Look.\n1. Restart it.\n",
        "**Step 1:** Look.\n\nStep 2: Restart it.\n",
        "---\nowner: me\n---\n# Restart\n### Check\n1. Look.\n### Repair\n1. Restart it.\n",
    ],
)
def test_numbered_steps_below_any_heading_are_a_flow(text: str) -> None:
    assert flow(text) == ["Look.", "Restart it."]


@pytest.mark.parametrize(
    "text",
    [
        "# 重启\n## 处理步骤\n1、查看日志。\n2、重启服务。\n",
        "# 重启\n第一步：查看日志。\n第二步：重启服务。\n",
        "一、查看日志。\n二、重启服务。\n",
        "步骤1：查看日志。\n步骤2：重启服务。\n",
    ],
)
def test_so_are_chinese_ones(text: str) -> None:
    sop = parse_sop(text, name="sop.md")
    assert [step.text for step in sop.flow] == ["查看日志。", "重启服务。"]
    assert sop.lang == "zh"


def test_what_no_head_says_is_taken_from_the_title_and_the_name_of_the_file() -> None:
    sop = parse_sop("# Disk is full\n1. Look.\n", name="full-disk.md")
    assert (sop.id, sop.title, sop.lang, sop.items) == ("full-disk", "Disk is full", "en", ())
    assert parse_sop("1. Look.\n", name="full-disk.md").title == "full-disk"
    assert parse_sop("# Disk is full\n1. Look.\n", name="sop").id == "Disk is full"


def test_a_list_below_each_heading_leads_to_its_own_steps() -> None:
    text = "## One\n1. Look.\n2. Restart.\n## Two\n1. Wait.\n2. If it is bad: go to 1.\n"
    sop = parse_sop(text)
    assert sop.flow[3].text == "If it is bad: go to 3."
    assert sop.flow[3].jumps == (3,)


def test_what_is_indented_belongs_to_its_step_and_code_is_no_step() -> None:
    text = "1. Look\n   - at the logs\n   - at the disk\n```\n1. not this\n```\n2. Restart\n   the service.\n"
    assert flow(text) == ["Look; at the logs; at the disk", "Restart the service."]


def test_tens_are_counted_in_chinese_too() -> None:
    numbers = [*"一二三四五六七八九十", "十一", "十二"]
    assert len(flow("\n".join(f"第{each}步：查看。" for each in numbers))) == 12


def test_all_that_is_wrong_is_said_in_one_error_with_an_example() -> None:
    text = "---\nname: x\nfault_type: warp\n---\n# Slow\n## Items\nnone\n## Flow\nLook.\n"
    with pytest.raises(UsageError) as caught:
        parse_sop(text, name="slow.md")
    said = str(caught.value)
    for each in ("name: is no key", "fault_type: 'warp'", "items: holds no list", "flow: is missing"):
        assert each in said
    assert said.endswith(" ⏎ ".join(EXAMPLE.splitlines()))


def test_the_example_of_the_error_and_those_of_the_documentation_are_read() -> None:
    text = DOCUMENTED.read_text(encoding="utf-8")
    written = re.findall(r"```markdown\n(.*?)```", text, flags=re.DOTALL)
    assert len(written) >= 3
    for each in (EXAMPLE, *written):
        assert parse_sop(each).flow
    whole = [each for each in written if each.startswith("---")]
    assert {parse_sop(each).lang for each in whole} == {"en", "zh"}
    for headings in zip(*SECTIONS.values(), strict=True):
        assert any(all(f"## {heading}" in each for heading in headings) for each in whole)

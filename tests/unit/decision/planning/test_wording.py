"""What people wrote becomes an action only where it can be read in one way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.decision.planning.wording import NOTHING, RULES, Named, named_in, strategy_of


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("Restarted the service", "restart"),
        ("Roll back to the previous release", "rollback"),
        ("Rolled back the configuration", "restore_configuration"),
        ("Revert the feature flag", "switch_flag"),
        ("Scale out to four replicas", "scale_out"),
        ("Clean up the disk", "free_disk"),
        ("Kill the blocking sessions", "end_sessions"),
        ("It recovered by itself", NOTHING),
        ("重启服务", "restart"),
        ("回滚到上一版本", "rollback"),
        ("回滚配置", "restore_configuration"),
        ("扩容到 4 个副本", "scale_out"),
        ("清理磁盘", "free_disk"),
        ("终止阻塞会话", "end_sessions"),
        ("故障自行恢复", NOTHING),
        ("Called the owner and waited", ""),
        ("Restarted it; rolled back", ""),
    ],
)
def test_a_text_names_its_one_strategy(text: str, strategy: str) -> None:
    assert strategy_of(text) == strategy


@pytest.mark.parametrize(
    "text",
    ["restart or roll back", "if it grows, restart", "do not restart it", "restart did not help", "重启无效", "或者重启", "不要重启"],
)  # fmt: skip
def test_a_condition_a_choice_or_a_denial_names_nothing(text: str) -> None:
    assert named_in(text) == ()


def test_an_action_of_the_catalogue_and_a_service_may_be_named_word_by_word() -> None:
    found = named_in("Run manager.restart on cart", services=["cart", "cart-db"], actions=["manager.restart", "manager.start"])  # fmt: skip
    assert found == (Named("restart", "manager.restart", "cart"),)
    assert named_in("restart cart-db", services=["cart", "cart-db"]) == (Named("restart", "", "cart-db"),)
    assert named_in("restart cart and billing", services=["cart", "billing"]) == ()


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    known = {*RULES, "restore_configuration", "switch_flag"}
    assert all(each.strategy in known for each in named_in(text))

"""What holds for every registered notifier."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from tests.unit.action.notify.bench import made

from sre_copilot.action.notify.registry import GROUP, attaches
from sre_copilot.errors import SettingsError
from sre_copilot.plugins import registered
from sre_copilot.testing.notifier_contract import SECRET, a_message
from sre_copilot.testing.receivers import http_receiver

TESTED = {"webhook", "slack", "pagerduty", "teams", "feishu", "dingtalk", "wecom", "apprise", "sms", "email"}


def test_every_registered_notifier_is_held_to_the_contract() -> None:
    assert {
        plugin.name for plugin in registered(GROUP) if plugin.distribution.startswith("sre-copilot")
    } == TESTED


def test_files_go_along_by_mail_alone() -> None:
    assert [name for name in sorted(TESTED) if attaches(name)] == ["email"]


def test_an_unknown_service_is_named_with_its_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean slack"):
        made("slak")


@pytest.mark.parametrize("kind", ["webhook", "teams", "feishu", "dingtalk", "wecom"])
def test_secrets_do_not_travel_in_clear_to_other_machines(kind: str) -> None:
    with pytest.raises(SettingsError, match="clear") as caught:
        made(kind, url=f"http://chat.example/{SECRET}")
    assert SECRET not in str(caught.value)


def test_a_proxy_is_used_and_the_environment_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with http_receiver("webhook") as proxy:
        direct = made("webhook", url=f"{proxy.url}/x")
        assert direct.send(a_message(), timeout_s=5).ok
        through = made("webhook", url="http://127.0.0.1:9/x", proxy=proxy.url)
        assert through.send(a_message(), timeout_s=5).ok
    assert proxy.total == 2


def test_a_key_that_no_header_can_carry_is_written_so_that_it_can() -> None:
    with http_receiver("webhook") as receiver:
        assert made("webhook", url=receiver.url).send(a_message(key="事件/1\n"), timeout_s=5).ok
        assert receiver.all[0].headers["idempotency-key"] == "\\u4e8b\\u4ef6/1\\n"


def test_a_number_in_an_address_of_apprise_is_quoted() -> None:
    with http_receiver("json") as receiver:
        notifier = made("sms", url=f"{receiver.url.replace('http', 'json')}/{{to}}", to=["+1 555/../x"])
        assert notifier.send(a_message(to="+1 555/../x"), timeout_s=5).ok
        assert quote("+1 555/../x") != "+1 555/../x"
        assert receiver.total == 1

"""Receivers as they are configured."""

from __future__ import annotations

import pytest

from sre_copilot.action.notify.slack import SlackNotifier
from sre_copilot.app.notifying import make_receivers
from sre_copilot.errors import SettingsError
from sre_copilot.settings.alerting.notify import Notify
from sre_copilot.settings.document import Settings
from sre_copilot.settings.loading import parse


def notify(**keys: object) -> Notify:
    return parse(Notify, keys, place="test")


def test_receivers_as_alertmanager_writes_them_are_understood() -> None:
    found = notify(
        receivers=[{"name": "a", "slack_configs": [{"api_url": "x"}], "webhook_configs": [{"url": "y"}]}]
    )
    assert [each["type"] for each in found.receivers[0].notifiers] == ["slack", "webhook"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"receivers": [{"name": "a"}, {"name": "a"}]}, "stands twice"),
        ({"receivers": [{"name": "a", "fallback": "b"}]}, "no other receiver"),
        ({"receivers": [{"name": "a", "fallback": "a"}]}, "no other receiver"),
        ({"fallback": "b"}, "no receiver 'b'"),
        ({"receivers": [{"name": "a", "notifiers": [{"url": "x"}]}]}, "name the service"),
        ({"receivers": [{"name": "a", "slack_configs": "x"}]}, "list of sections"),
        ({"receivers": [{"name": "a", "templates": {"text": "x", "text_file": "y"}}]}, "one of the two"),
        ({"external_url": "sre.example"}, "external_url"),
    ],
)
def test_what_cannot_be_used_is_named(keys: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        notify(**keys)


def test_the_variables_make_a_receiver_where_none_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Notify().known() == ()
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "https://hooks.slack.example/services/x")
    monkeypatch.setenv("PAGERDUTY_API_KEY", "an-integration-key")
    receivers = make_receivers(Settings())
    assert [target.kind for target in receivers["default"].targets] == ["slack", "pagerduty"]
    assert isinstance(receivers["default"].targets[0].notifier, SlackNotifier)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"type": "slak"}, "did you mean slack"),
        ({"type": "wecom", "url": "https://x.example", "nam": "y"}, "did you mean name"),
        ({"type": "wecom", "url": "https://x.example", "name": "a/b"}, "letters, digits"),
    ],
)
def test_a_wrong_notifier_is_named_with_its_place(entry: dict[str, object], said: str) -> None:
    settings = Settings.model_validate(
        {"alerting": {"notify": {"receivers": [{"name": "a", "notifiers": [entry]}]}}}
    )
    with pytest.raises(SettingsError, match=said) as caught:
        make_receivers(settings)
    assert "alerting.notify.receivers[a].notifiers[0]" in str(caught.value)


def test_two_notifiers_of_one_name_would_share_their_keys() -> None:
    entry = {"type": "wecom", "url": "https://x.example", "name": "same"}
    settings = Settings.model_validate(
        {"alerting": {"notify": {"receivers": [{"name": "a", "notifiers": [entry, entry]}]}}}
    )
    with pytest.raises(SettingsError, match="stands twice"):
        make_receivers(settings)

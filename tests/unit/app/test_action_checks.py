"""What `check-config` says of executors, targets and those who may decide."""

from __future__ import annotations

from sre_copilot.app.action_checks import check_actions
from sre_copilot.settings.document import Settings


def test_a_name_that_may_decide_in_chat_and_is_nobodys_is_named() -> None:
    people = {"persons": {"ann": {"name": "Ann Lee", "email": "ann@example.org"}}}
    approval = {"chat_approvers": ["Ann", "ann lee", "ANN@example.org", "anne"]}
    document = {"alerting": {"people": people}, "decision": {"approval": approval}}
    (said,) = check_actions(Settings.model_validate(document))
    assert said.startswith(
        "decision.approval.chat_approvers: 'anne' is nobody of alerting.people.persons (ann)"
    )

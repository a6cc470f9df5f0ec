"""A service that takes decisions from every chat platform, and stand-ins for the platforms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from defusedxml.ElementTree import fromstring
from fastapi.testclient import TestClient
from tests.unit.decision.chat import signing

from sre_copilot.api.server import create_app
from sre_copilot.app.approving import Approving
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.plan import Plan
from sre_copilot.settings.document import Settings
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.testing.plans import NOW, a_plan
from sre_copilot.testing.servers.json_server import Request, Response, serving
from sre_copilot.testing.synthetic import SyntheticSource

PERSONS = {
    "ann": {"name": "Ann", "slack": "U1", "feishu": "ou_1", "dingtalk": "staff1", "wecom": "wang"},
    "bob": {"name": "Bob", "slack": "U2", "feishu": "ou_2", "dingtalk": "staff2", "wecom": "li"},
    "carl": {"name": "Carl", "slack": "U3"},
}
SENDERS = {
    "slack": ("U1", "U2", "U9"),
    "feishu": ("ou_1", "ou_2", "ou_9"),
    "dingtalk": ("staff1", "staff2", "staff9"),
    "wecom": ("wang", "li", "nobody"),
}


@dataclass
class World:
    """A service that takes decisions from every platform, and what was posted to the platforms."""

    service: Service
    client: TestClient
    posted: list[Request]
    url: str
    count: int = 0

    @property
    def door(self) -> Approving:
        found: Approving = self.client.app.state.approving  # type: ignore[attr-defined]
        return found

    def plan(self, **changes: Any) -> Plan:
        return self.door.plans.propose(a_plan(now=NOW, id="", **changes))

    def status(self, plan: Plan) -> str:
        kept = self.door.plans.get(plan.id)
        assert kept is not None
        return kept.status

    def last(self) -> dict[str, Any]:
        return dict(AuditChain(self.service.database).page(limit=1).rows[0])

    def entries(self) -> int:
        return AuditChain(self.service.database).head().count

    def say(self, platform: str, text: str, *, user: str, signed: bool = True, number: str = "") -> Any:
        """Send a text as the platform does; a new message each time unless it has a number."""
        self.count += 1
        return getattr(self, f"_{platform}")(text, user, signed, number or f"{self.count}")

    def _slack(self, text: str, user: str, signed: bool, number: str) -> Any:
        body = signing.slack_message(text, user=user, ts=f"1770388222.{number}", channel_type="im")
        return self.post("slack", body, signing.slack_headers(body, at=NOW) if signed else {})

    def _feishu(self, text: str, user: str, signed: bool, number: str) -> Any:
        body = signing.feishu_sealed(signing.feishu_message(text, at=NOW, user=user, number=number))
        return self.post("feishu", body, signing.feishu_headers(body, at=NOW) if signed else {})

    def _dingtalk(self, text: str, user: str, signed: bool, number: str) -> Any:
        hook = f"{self.url}/robot/sendBySession?session=x"
        body = signing.dingtalk_message(text, user=user, number=number, sessionWebhook=hook)
        headers = signing.dingtalk_headers(at=NOW + self.count / 1000) if signed else {}
        return self.post("dingtalk", body, headers)

    def _wecom(self, text: str, user: str, signed: bool, number: str) -> Any:
        body, query = signing.wecom_request(signing.wecom_message(text, user=user, number=number), at=NOW)
        query |= {} if signed else {"msg_signature": "0" * 40}
        return self.post("wecom", body, {}, query)

    def post(
        self, platform: str, body: bytes, headers: dict[str, str], query: dict[str, str] | None = None
    ) -> Any:
        return self.client.post(
            f"/api/v1/chat/{platform}?{urlencode(query or {})}", content=body, headers=headers
        )

    def answered(self, platform: str, answer: Any) -> str:
        """What the sender reads."""
        if platform == "wecom":
            sealed = fromstring(answer.content).findtext("Encrypt")
            return str(fromstring(signing.wecom_opened(sealed)).findtext("Content"))
        said = json.loads(self.posted[-1].body)
        if platform == "feishu":
            return str(json.loads(said["content"])["text"])
        return str(said["text"]["content"] if platform == "dingtalk" else said["text"])


def keys_of(folder: Any, url: str, **more: Any) -> dict[str, Any]:
    chat = {name: dict(keys) for name, keys in signing.CHAT.items()}
    chat["slack"] |= {"bot_token": "xoxb-1", "base_url": f"{url}/api", "hooks_url": f"{url}/hooks"}
    chat["feishu"] |= {"app_id": "cli_1", "app_secret": "of-the-app", "base_url": url}
    chat["dingtalk"] |= {"base_url": url}
    approval = {"chat": chat, "chat_approvers": ["ann", "bob"]}
    receivers = [
        {"name": "chat", "notifiers": [{"type": "slack", "api_url": f"{url}/hooks/x"}]},
        {"name": "mail", "notifiers": [{"type": "webhook", "url": f"{url}/x"}]},
    ]
    alerting = {
        "people": {"persons": PERSONS},
        "notify": {"receivers": receivers},
        "routing": {"route": {"receiver": "chat"}},
    }
    return {"store": {"folder": folder}, "decision": {"approval": approval}, "alerting": alerting, **more}


@contextmanager
def listening(folder: Path) -> Iterator[World]:
    """The service with its platforms."""
    posted: list[Request] = []

    def take(request: Request) -> Response:
        posted.append(request)
        return Response(document={"ok": True, "code": 0, "tenant_access_token": "t-1"})

    with serving(take) as url:
        keys = keys_of(folder, url)
        service = make_service(
            Settings.model_validate(keys),
            sources=[SyntheticSource(services=1, metrics=1)],
            clock=TurnedClock(NOW),
        )
        with TestClient(create_app(service), raise_server_exceptions=False) as client:
            yield World(service, client, posted, url)
        service.close()

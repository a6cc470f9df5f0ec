"""`sre-copilot notify` and the delivery log over REST."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sre_copilot.api.notifications import notification
from sre_copilot.cli.main import app
from sre_copilot.domain.notification import Notification
from sre_copilot.store.database import Database
from sre_copilot.store.deliveries import delivery_row, expand, finish
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.testing.receivers import http_receiver

SECRET = "s3cr3t-in-an-address"  # noqa: S105 - it guards nothing


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["notify", *arguments], env={"COLUMNS": "250"})
    return found.exit_code, found.output


def configured(folder: Path, url: str) -> Path:
    file = folder / "config.yaml"
    receivers = [{"name": "team", "language": "zh", "webhook_configs": [{"url": f"{url}/{SECRET}"}]}]
    file.write_text(
        json.dumps({"store": {"folder": str(folder)}, "alerting": {"notify": {"receivers": receivers}}})
    )
    return file


def test_a_receiver_is_tried_at_once(tmp_path: Path) -> None:
    with http_receiver("webhook") as at:
        code, output = run("test", "team", "--config", str(configured(tmp_path, at.url)))
        assert (code, at.total) == (0, 1), output
        assert "delivered" in output
        assert "接收方 team 的测试消息" in at.all[0].document["commonAnnotations"]["summary"]
        at.misbehave("status", status=403)
        code, output = run("test", "team", "--output", "json", "--config", str(configured(tmp_path, at.url)))
    assert code == 1
    (item,) = json.loads(output)["items"]
    assert (item["ok"], item["retry"]) == (False, False)
    assert SECRET not in output


def test_the_log_shows_what_became_of_messages_by_incident(tmp_path: Path) -> None:
    config = configured(tmp_path, "http://127.0.0.1:9")
    database = Database(f"sqlite:///{tmp_path / 'sre-copilot.db'}")
    store = NotificationStore(database)
    with database.begin() as connection:
        for number, incident in enumerate(("INC-1", "INC-2")):
            content = {"incident_id": incident, "title": f"title of {incident}", "severity": "high"}
            told = Notification(
                key=incident,
                group=incident,
                receiver="team",
                state="firing",
                sequence=1,
                created_at=1e9 + number,
                content=content,
            )
            store.insert(connection, [told])
    row = store.get("INC-1")
    assert row is not None
    with database.begin() as connection:
        made = delivery_row(row, address="email-1:ada@team.example", kind="email", bot="b")
        assert expand(connection, row, [made])
        assert finish(connection, made, status="failed", last_error="answered 550")
    code, output = run("log", "--incident", "INC-1", "--config", str(config))
    assert code == 0
    assert "title of INC-1" in output
    assert "answered 550" in output
    assert "INC-2" not in output
    code, output = run("log", "--output", "json", "--config", str(config))
    assert [item["incident_id"] for item in json.loads(output)["items"]] == ["INC-2", "INC-1"]
    shown = json.dumps(notification(store.page(incident="INC-1").rows[0]))
    assert "ada@team.example" not in shown
    assert "email-1:a" in shown


def test_pages_of_the_log_lose_and_repeat_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    store = NotificationStore(database)
    with database.begin() as connection:
        told = [
            Notification(
                key=f"k{i}", group="g", receiver="r", state="firing", sequence=i, created_at=float(i)
            )
            for i in range(25)
        ]
        assert store.insert(connection, told) == 25
        assert store.insert(connection, told) == 0
    seen, cursor = [], None
    while True:
        page = store.page(limit=10, cursor=cursor)
        seen += [row["key"] for row in page.rows]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"k{i}" for i in reversed(range(25))]


def test_a_wording_is_tried_and_a_wrong_one_is_an_error(tmp_path: Path) -> None:
    good, bad, empty = tmp_path / "good.j2", tmp_path / "bad.j2", tmp_path / "empty.j2"
    good.write_text("{{ service }} / {{ state }} / {{ lang }}")
    bad.write_text("{{ oops")
    empty.write_text("{{ missing }}")
    code, output = run("render", "--template", str(good), "--state", "resolved", "--lang", "zh")
    assert code == 0
    assert "payment / resolved / zh" in output
    for file in (bad, empty):
        assert CliRunner().invoke(app, ["notify", "render", "--template", str(file)]).exit_code != 0


@pytest.mark.parametrize(
    "arguments", [("render", "--state", "x"), ("render", "--lang", "de"), ("test", "nobody")]
)
def test_what_is_not_there_is_named(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, ["notify", *arguments]).exit_code != 0

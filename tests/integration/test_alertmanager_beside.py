"""Routing, grouping, inhibition and silences beside a real Alertmanager: the same configuration, the same alerts, the same answers."""

from __future__ import annotations

import json
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.integration.alertmanager_beside import (
    ALERTS,
    TREES,
    Beside,
    Labels,
    at,
    eventually,
    running,
    some_configuration,
    some_labels,
    written,
)

from sre_copilot.alerts.inhibition import Inhibitor
from sre_copilot.alerts.labels import fingerprint
from sre_copilot.alerts.matchers import parse_matchers
from sre_copilot.alerts.problems import InvalidError
from sre_copilot.alerts.routing.configuration import Configuration
from sre_copilot.alerts.routing.reading import of_alertmanager
from sre_copilot.alerts.silences import Silences, state_of
from sre_copilot.alerts.state import SilenceState
from sre_copilot.errors import SettingsError, UsageError
from sre_copilot.testing.servers.real import missing

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        bool(missing("prometheus-alertmanager", "amtool")),
        reason=missing("prometheus-alertmanager", "amtool"),
    ),
]


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    with running(tmp_path) as server:
        yield server


def our_groups(ours: Configuration, alerts: list[Labels]) -> list[tuple[str, str, tuple[str, ...]]]:
    members: dict[tuple[str, str], tuple[str, Labels, list[str]]] = {}
    for labels in alerts:
        for route in ours.routes.match(labels):
            key, shared = route.group(labels)
            members.setdefault((route.id, key), (route.receiver, shared, []))[2].append(fingerprint(labels))
    found = members.values()
    return sorted(
        (name, json.dumps(shared, sort_keys=True), tuple(sorted(each))) for name, shared, each in found
    )


def assert_alike(beside: Beside, ours: Configuration, tree: int, firing: list[Labels]) -> None:
    """Receivers, inhibition and groups of all alerts are the same at both."""
    inhibitor = Inhibitor(ours.rules)
    for labels in firing:
        inhibitor.take(fingerprint(labels), labels, firing=True)
    theirs = beside.alerts(tree)
    assert theirs.keys() == {fingerprint(each) for each in firing}
    for labels in firing:
        key = fingerprint(labels)
        receivers = [each.receiver for each in ours.routes.match(labels)]
        assert sorted(each["name"] for each in theirs[key]["receivers"]) == sorted(receivers)
        muted = bool(theirs[key]["status"]["inhibitedBy"])
        assert muted is bool(inhibitor.inhibited_by(key, labels)), labels
    assert beside.groups(tree) == our_groups(ours, firing)


@pytest.mark.parametrize("tree", range(TREES))
def test_random_trees_route_group_and_inhibit_random_alerts_alike(tmp_path: Path, tree: int) -> None:
    chance = random.Random(tree)  # noqa: S311 - a repeatable choice
    text = some_configuration(chance)
    ours = of_alertmanager(text)
    alerts = [some_labels(chance, tree, number) for number in range(ALERTS)]
    ended = chance.sample(alerts, ALERTS // 4)
    with running(tmp_path, text) as beside:
        beside.post(*alerts)
        eventually(lambda: assert_alike(beside, ours, tree, alerts))
        beside.post(*ended, resolved=True)
        eventually(lambda: assert_alike(beside, ours, tree, [each for each in alerts if each not in ended]))


def test_an_empty_group_by_is_taken_over_up_to_0_25_and_means_no_label_since(tmp_path: Path) -> None:
    """A difference of its age; later versions do as ours."""
    text = yaml.safe_dump(
        {
            "route": {
                "receiver": "a",
                "group_by": ["team"],
                "routes": [{"matchers": ["team=x"], "group_by": []}],
            },
            "receivers": [{"name": "a"}],
        }
    )
    labels = {"alertname": "a", "round": "300", "team": "x"}
    theirs = [("a", '{"team": "x"}', (fingerprint(labels),))]
    with running(tmp_path, text) as beside:

        def told() -> None:
            assert beside.groups(300) == theirs

        beside.post(labels)
        if beside.is_0_25:
            eventually(told)
    assert our_groups(of_alertmanager(text), [labels]) == [("a", "{}", (fingerprint(labels),))]


def test_amtool_names_the_same_receivers_in_the_same_order(tmp_path: Path) -> None:
    chance = random.Random(99)  # noqa: S311
    asked = 0
    for tree in range(5):
        file = tmp_path / f"{tree}.yml"
        file.write_text(some_configuration(chance), encoding="utf-8")
        ours = of_alertmanager(file.read_text(encoding="utf-8"))
        for number in range(12):
            labels = some_labels(chance, tree, number)
            arguments = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items()]
            told = amtool("config", "routes", "test", f"--config.file={file}", *arguments)
            assert told.strip() == ",".join(each.receiver for each in ours.routes.match(labels))
            asked += 1
    assert asked == 60


def amtool(*arguments: str) -> str:
    done = subprocess.run(["amtool", *arguments], capture_output=True, text=True, check=True, timeout=30)
    return done.stdout


def accepted(text: str, file: Path) -> bool:
    """Whether `amtool` takes a configuration with such a matcher."""
    config = {"route": {"receiver": "a", "routes": [{"matchers": [text]}]}, "receivers": [{"name": "a"}]}
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    command = ["amtool", "check-config", str(file)]
    return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0


NEWER = ('"a b"=c', '{"service.name"="x"}', "ü=x", "a-b=c")
"""What Alertmanager takes since 0.27."""


@pytest.mark.parametrize(
    "text",
    [
        "a=b",
        "{a=b,}",
        "a=",
        "a==b",
        "{a=b}}",
        "a=b c",
        "a='b'",
        'a="b',
        'a=b"',
        "a",
        ",",
        "{",
        "}",
        "",
        "a=~[",
        "a=~~~",
        'a="\\d"',
        *NEWER,
    ],
)
def test_the_same_texts_are_matchers(text: str, tmp_path: Path) -> None:
    try:
        parse_matchers(text)
        ours = True
    except UsageError:
        ours = False
    assert ours is (accepted(text, tmp_path / "am.yml") or text in NEWER)


BAD: tuple[dict[str, Any], ...] = (
    {"route": {"receiver": "b"}},
    {"route": {"routes": []}},
    {"route": {"receiver": "a", "matchers": ["x=1"]}},
    {"route": {"receiver": "a", "continue": True}},
    {"route": {"receiver": "a", "mute_time_intervals": ["x"]}},
    {"route": {"receiver": "a", "group_by": ["...", "x"]}},
    {"route": {"receiver": "a", "group_by": ["x", "x"]}},
    {"route": {"receiver": "a", "group_interval": "0s"}},
    {"route": {"receiver": "a", "repeat_interval": "0s"}},
    {"route": {"receiver": "a", "group_wait": "5"}},
    {"route": {"receiver": "a", "routes": [{"mute_time_intervals": ["x"]}]}},
    {"route": {"receiver": "a", "routes": [{"match": {"a-b": "c"}}]}},
    {"route": {"receiver": "a", "routes": [{"match_re": {"a": "["}}]}},
    {"route": {"receiver": "a", "typo": 1}},
    {"route": {"receiver": "a"}, "receivers": [{"name": "a"}, {"name": "a"}]},
    {"route": {"receiver": "a"}, "time_intervals": [{"name": "x"}, {"name": "x"}]},
    {
        "route": {"receiver": "a"},
        "time_intervals": [{"name": "x", "time_intervals": [{"weekdays": ["mon"]}]}],
    },
    {
        "route": {"receiver": "a"},
        "time_intervals": [{"name": "x", "time_intervals": [{"days_of_month": ["32"]}]}],
    },
    {
        "route": {"receiver": "a"},
        "time_intervals": [{"name": "x", "time_intervals": [{"days_of_month": ["-1:5"]}]}],
    },
    {"route": {"receiver": "a"}, "time_intervals": [{"name": "x", "time_intervals": [{"location": "Mars"}]}]},
)


@pytest.mark.parametrize("config", BAD, ids=str)
def test_both_refuse_the_same_configurations(config: dict[str, Any], tmp_path: Path) -> None:
    text = yaml.safe_dump({"receivers": [{"name": "a"}], **config})
    with pytest.raises(SettingsError):
        of_alertmanager(text)
    file = tmp_path / "am.yml"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(["amtool", "check-config", str(file)], capture_output=True, check=False, timeout=30)
    assert done.returncode != 0


def body(silence: SilenceState) -> dict[str, Any]:
    given = {
        "matchers": silence.matchers,
        "startsAt": at(silence.starts_at),
        "endsAt": at(silence.ends_at),
        "createdBy": silence.created_by,
        "comment": silence.comment,
    }
    return {**given, "id": silence.id} if silence.id else given


def silence(
    matchers: list[str], *, begins: float = -1.0, ends: float = 3600.0, key: str = ""
) -> SilenceState:
    found = [each.to_api() for text in matchers for each in parse_matchers(text)]
    now = time.time()
    return SilenceState(
        id=key, matchers=found, starts_at=now + begins, ends_at=now + ends, created_by="ann", comment="test"
    )


def test_random_silences_mute_the_same_alerts(beside: Beside) -> None:
    chance = random.Random(7)  # noqa: S311
    alerts = [some_labels(chance, 100, number) for number in range(120)]
    beside.post(*alerts)
    ours = Silences()
    for _ in range(12):
        wanted = silence(
            [written(chance) for _ in range(chance.randint(1, 3))], begins=chance.choice([-60.0, 600.0])
        )
        answer = beside.client.post("/api/v2/silences", json=body(wanted))
        try:
            ours.set(
                wanted,
                now=time.time(),
                fresh_id=answer.json()["silenceID"] if answer.is_success else "refused",
            )
        except InvalidError:
            assert answer.status_code == 400
        else:
            assert answer.is_success, answer.text

    def alike() -> None:
        theirs = beside.alerts(100)
        assert len(theirs) == len(alerts)
        for labels in alerts:
            found = tuple(sorted(theirs[fingerprint(labels)]["status"]["silencedBy"]))
            assert found == ours.silenced_by(labels, time.time())

    eventually(alike)
    assert any(ours.silenced_by(labels, time.time()) for labels in alerts)
    assert not all(ours.silenced_by(labels, time.time()) for labels in alerts)


def test_a_silence_is_changed_as_alertmanager_changes_it(beside: Beside) -> None:
    ours = Silences()

    def both(wanted: SilenceState) -> tuple[str, str]:
        """Send it to both; the id that is in effect at each."""
        their_id = beside.client.post("/api/v2/silences", json=body(wanted)).json()["silenceID"]
        made = ours.set(wanted, now=time.time(), fresh_id=their_id)
        for each in made:
            state = beside.client.get(f"/api/v2/silence/{each.id}").json()["status"]["state"]
            assert state == state_of(each, time.time())
        return their_id, made[-1].id

    first, same = both(silence(["a=1"]))
    assert first == same
    kept = ours.get(first)
    assert kept is not None
    theirs = beside.client.get(f"/api/v2/silence/{first}").json()
    begin = datetime.fromisoformat(theirs["startsAt"]).timestamp()
    longer = silence(["a=1"], ends=7200.0, key=first)
    longer.starts_at = kept.starts_at = begin
    assert both(longer) == (first, first)  # in place
    other, ours_now = both(silence(["a=2"], key=first))
    assert other == ours_now != first  # expired, and a new one
    pending, _ = both(silence(["a=3"], begins=600))
    assert both(silence(["a=3"], begins=900, key=pending)) == (pending, pending)
    assert beside.client.delete(f"/api/v2/silence/{pending}").is_success
    ours.expire(pending, now=time.time())
    assert beside.client.delete(f"/api/v2/silence/{pending}").is_success  # once more: nothing happens
    assert ours.expire(pending, now=time.time()) == ()
    again, _ = both(silence(["a=3"], key=pending))
    assert again != pending


@contextmanager
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A receiver of webhooks, and what it got."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_groups_have_the_key_that_alertmanager_tells(tmp_path: Path) -> None:
    alerts = [
        {"alertname": "k", "round": "200", "team": value, "job": "x\ty\n"}
        for value in ("a", 'say "hi"\\', "服务 🙂", "\u00ad\u202f", "tab\tline\nend")
    ]
    with hook() as (url, got):
        text = yaml.safe_dump(
            {
                "route": {
                    "receiver": "hook",
                    "group_by": ["team", "absent"],
                    "group_wait": "0s",
                    "routes": [
                        {
                            "match_re": {"team": "a|.*hi.*"},
                            "matchers": ['alertname="k"'],
                            "group_by": ["..."],
                            "continue": True,
                        },
                        {"matchers": ['team!="no \\"quote\\""', 'alertname="k"']},
                    ],
                },
                "receivers": [{"name": "hook", "webhook_configs": [{"url": url}]}],
            }
        )
        ours = of_alertmanager(text)
        expected = {route.group(labels)[0] for labels in alerts for route in ours.routes.match(labels)}
        assert len(expected) == 7

        def told() -> None:
            assert {each["groupKey"] for each in got} == expected

        with running(tmp_path, text) as beside:
            beside.post(*alerts)
            eventually(told)

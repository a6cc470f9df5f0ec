"""The executor `tickets` against stand-ins for Jira and ServiceNow, and a webhook."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.tickets import TicketsExecutor, TicketsExecutorSettings
from sre_copilot.action.executors.tickets.systems import mark_of
from sre_copilot.domain.plan import Action, RiskLevel, Target
from sre_copilot.testing.executor_contract import SECRET, Case, ExecutorContract, call
from sre_copilot.testing.servers.jira import jira
from sre_copilot.testing.servers.json_server import Request, Response, serving
from sre_copilot.testing.servers.relay import relay
from sre_copilot.testing.servers.servicenow import servicenow

pytestmark = pytest.mark.integration  # each starts servers or processes of its own

STATES = {"jira": ("In Progress", "Done"), "servicenow": ("2", "6"), "webhook": ("closed",)}
QUEUES = {"jira": "OPS", "servicenow": "incident", "webhook": "shop"}


def executor(system: Any, url: str, **more: Any) -> TicketsExecutor:
    user = "robot" if system == "servicenow" else ""
    usual = {"system": system, "url": url, "username": user, "token": SECRET, "queue": QUEUES[system]}
    return TicketsExecutor(TicketsExecutorSettings(**{**usual, "states": STATES[system], **more}))


def action(verb: str, name: str, **parameters: Any) -> Action:
    target = Target(executor="tickets", kind="queue" if verb == "create" else "ticket", name=name)
    return Action(name=f"tickets.{verb}", target=target, parameters=parameters)


def case(system: str, url: str, asked: Action, absent: str, **counts: Callable[[], Any]) -> Case:
    port = int(url.rpartition(":")[2])

    @contextmanager
    def behind(manner: Any) -> Iterator[TicketsExecutor]:
        with relay(("127.0.0.1", port)) as between:
            found = executor(system, f"http://127.0.0.1:{between.address[1]}")  # type: ignore[index]
            talks = found._verbs[asked.name]._system  # type: ignore[attr-defined]
            ask = talks.ask

            def asking(method: str, *rest: Any, **more: Any) -> Any:
                if method != "GET":
                    between.manner = manner
                    talks._wire._client.close()
                    talks._wire = type(talks._wire)("tickets", timeout_s=10.0)
                return ask(method, *rest, **more)

            talks.ask = asking
            yield found

    with relay(("127.0.0.1", port)) as gone:
        closed = f"http://127.0.0.1:{gone.address[1]}"  # type: ignore[index]
    verb = asked.name.partition(".")[2]
    return Case(
        executor=lambda: executor(system, url),
        action=asked,
        absent=action(verb, absent, **asked.parameters) if absent else None,
        refused=(
            (action("comment", "OPS-1^x=y", text="a"), "no ticket"),
            (action("comment", "../x", text="a"), "no ticket"),
            (action("create", "OTHER", title="a"), "OTHER"),
            (action("create", QUEUES[system], title="a\nb"), "parameters.title"),
            (action("transition", "OPS-1", state="Gone"), "parameters.state"),
        ),
        unreachable=lambda: executor(system, closed),
        silent=lambda: behind("silent"),
        lost=lambda: behind("lost"),
        **counts,
    )


@contextmanager
def in_jira(verb: str, **parameters: Any) -> Iterator[Case]:
    with jira(token=SECRET) as server:
        name = server.issue("Slow shop")
        issue = server.issues[name]
        counts: dict[str, Callable[[], int]] = {
            "create": lambda: len(server.issues) - 1,
            "comment": lambda: len(issue["comments"]),
            "transition": lambda: int(issue["status"] != "To Do"),
        }
        asked = action(verb, "OPS" if verb == "create" else name, **parameters)
        absent = "" if verb == "create" else "OPS-99"
        yield case("jira", server.url, asked, absent, effects=counts[verb], state=lambda: issue["status"])


@contextmanager
def in_servicenow(verb: str, **parameters: Any) -> Iterator[Case]:
    with servicenow(login=("robot", SECRET)) as server:
        row = {"sys_id": "a" * 32, "number": "INC1", "state": "1", "correlation_id": ""}
        tables = server.tables
        tables |= {"incident": [row], "sys_journal_field": []}
        counts: dict[str, Callable[[], int]] = {
            "create": lambda: len(tables["incident"]) - 1,
            "comment": lambda: len(tables["sys_journal_field"]),
            "transition": lambda: int(tables["incident"][0]["state"] != "1"),
        }
        asked = action(verb, "incident" if verb == "create" else "INC1", **parameters)
        absent = "" if verb == "create" else "INC9"
        state = lambda: tables["incident"][0]["state"]  # noqa: E731
        yield case("servicenow", server.url, asked, absent, effects=counts[verb], state=state)


Opened = Callable[..., AbstractContextManager[Case]]


class Created(ExecutorContract):
    __test__ = False
    undo_restores = False
    system: Opened

    def opened(self, folder: Path) -> Any:
        return type(self).system("create", title="The shop is slow", text="See the incident.")


class Commented(ExecutorContract):
    __test__ = False
    undo_restores = False
    system: Opened

    def opened(self, folder: Path) -> Any:
        return type(self).system("comment", text="It was restarted.")


class TestCreatingInJira(Created):
    __test__ = True
    system = staticmethod(in_jira)


class TestCreatingInServiceNow(Created):
    __test__ = True
    system = staticmethod(in_servicenow)


class TestCommentingInJira(Commented):
    __test__ = True
    system = staticmethod(in_jira)


class TestCommentingInServiceNow(Commented):
    __test__ = True
    system = staticmethod(in_servicenow)


class TestMovingOnInJira(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        return in_jira("transition", state="In Progress")


class TestMovingOnInServiceNow(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        return in_servicenow("transition", state="6")


def test_a_state_to_which_no_transition_leads_is_refused() -> None:
    with jira() as server:
        name = server.issue("Slow")
        server.issues[name]["status"] = "Done"
        with pytest.raises(ActionError, match="no transition leads from Done") as caught:
            executor("jira", server.url).execute(action("transition", name, state="In Progress"), call())
        assert caught.value.effect == "none"


def test_a_ticket_that_somebody_moved_on_is_not_moved_back() -> None:
    with jira() as server:
        name, found = server.issue("Slow"), executor("jira", server.url)
        asked = action("transition", name, state="In Progress")
        backup = found.backup(asked)
        found.execute(asked, call())
        server.issues[name]["status"] = "Done"
        with pytest.raises(ActionError, match="somebody else"):
            found.undo(asked, call("undo"), backup)


def test_a_webhook_is_told_with_the_key_and_is_at_least_once() -> None:
    told: list[Request] = []

    def answer(request: Request) -> Response:
        told.append(request)
        return Response({"ticket": "T-1"})

    with serving(answer) as url:
        found, asked = executor("webhook", url), action("create", "shop", title="Slow")
        assert [each.exactly_once or each.reversible for each in found.specs()] == [False] * 3
        assert {each.level for each in found.specs()} == {RiskLevel.HIGH}
        assert found.execute(asked, call()).detail == {"ticket": "T-1"}
        assert found.done(asked, call(), {}) is None
        assert [each.key for each in found.preview(asked).objections] == ["tickets.objection.no_trace"]
    body = orjson.loads(told[0].body)
    assert (told[0].headers["idempotency-key"], body["action"], body["title"]) == (
        call().key,
        "create",
        "Slow",
    )


@pytest.mark.parametrize("named", [{"a": 1}, "../../etc", "a b", "T-1\nX", "T" * 3000, None, True, ""])
def test_what_is_no_name_of_a_ticket_is_not_taken_for_one(named: object) -> None:
    with serving(lambda request: Response({"ticket": named})) as url:
        found = executor("webhook", url).execute(action("create", "shop", title="Slow"), call())
    assert found.detail == {"ticket": mark_of(call())}


def test_tickets_that_the_settings_do_not_name_are_left_alone() -> None:
    found = executor("jira", "https://example.org", tickets=["SHOP-*"], states=[])
    with pytest.raises(ActionError, match="OPS-1"):
        found.check(action("comment", "OPS-1", text="a"))
    assert [each.name for each in found.specs()] == ["tickets.create", "tickets.comment"]


def test_a_token_does_not_travel_in_clear() -> None:
    with pytest.raises(ValidationError, match="in clear"):
        executor("jira", "http://example.org")

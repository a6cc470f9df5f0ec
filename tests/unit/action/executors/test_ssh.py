"""The executor `ssh` against an SSH server."""

import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.ssh import SshExecutor, SshExecutorSettings
from sre_copilot.domain.plan import Action, Target
from sre_copilot.testing.executor_contract import SECRET, Case, ExecutorContract, call
from sre_copilot.testing.servers.relay import relay
from sre_copilot.testing.servers.ssh import USER, SshServer, ssh_server

pytestmark = pytest.mark.integration  # each starts servers or processes of its own

pytest.importorskip("asyncssh", reason="the extra `actions` is not installed")
NAME = {"type": "string", "pattern": "[a-z ;$'\"]+", "default": "plain"}


def catalogue(folder: Path) -> list[dict[str, Any]]:
    """Commands on a value in a file; the keyed one remembers its keys."""
    value, keys = shlex.quote(str(folder / "value")), shlex.quote(str(folder / "keys"))
    add = f'echo $(( $(cat {value}) + 1 )) > {value}; echo "$1" >> {keys}; sleep "${{2:-0}}"'
    return [
        {
            "name": "add",
            "run": ["sh", "-c", add, "add", "{key}", "{pause}"],
            "parameters": {"pause": {"type": "integer", "minimum": 0, "maximum": 60, "default": 0}},
            "level": "reversible",
            "look": ["cat", f"{folder}/value"],
            "check": ["grep", "-qxF", "{key}", f"{folder}/keys"],
            "undo": ["sh", "-c", f'echo "$1" > {value}', "undo", "{before}"],
        },
        {"name": "say", "run": ["printf", "%s", "{text}"], "parameters": {"text": NAME}, "show_output": True},
        {"name": "fail", "run": ["sh", "-c", "exit 3"]},
        {"name": "refuse", "run": ["sh", "-c", "exit 4"], "nothing_done_codes": [4]},
        {"name": "absent", "run": ["no-such-program"]},
        {"name": "flood", "run": ["sh", "-c", "yes | head -c 500000; echo end"], "show_output": True},
        {"name": "leak", "run": ["echo", "token=abc"]},
        {"name": "elsewhere", "run": ["true"], "hosts": ["db-*"]},
    ]


def executor(server: SshServer, folder: Path, *, port: int = 0, **more: Any) -> SshExecutor:
    host = {"name": "web-1", "address": "127.0.0.1", "port": port or server.port}
    usual: dict[str, Any] = {
        "hosts": [host],
        "known_hosts": server.known_hosts,
        "username": USER,
        "password": SECRET,
        "commands": catalogue(folder),
    }
    return SshExecutor(SshExecutorSettings(**{**usual, **more}))


def action(verb: str, host: str = "web-1", **parameters: Any) -> Action:
    return Action(
        name=f"ssh.{verb}", target=Target(executor="ssh", kind="host", name=host), parameters=parameters
    )


def keys(folder: Path) -> int:
    file = folder / "keys"
    return len(file.read_text().splitlines()) if file.exists() else 0


@contextmanager
def opened(folder: Path) -> Iterator[Case]:
    (folder / "value").write_text("7\n")
    (folder / "keys").write_text("")
    with ssh_server(folder / "server", password=SECRET) as server:

        @contextmanager
        def silent() -> Iterator[SshExecutor]:
            with relay(("127.0.0.1", server.port)) as between:
                between.manner = "silent"
                _, port = between.address
                yield executor(server, folder, port=int(port))

        @contextmanager
        def lost() -> Iterator[SshExecutor]:
            found = executor(server, folder)
            run = found._verbs["ssh.add"]._command  # type: ignore[attr-defined]
            slow = run.model_copy(update={"run": (*run.run[:-1], "30")})
            found._verbs["ssh.add"]._command = slow  # type: ignore[attr-defined]
            yield found

        with relay(("127.0.0.1", server.port)) as gone:
            _, closed = gone.address
        yield Case(
            executor=partial(executor, server, folder),
            action=action("add"),
            effects=lambda: keys(folder),
            state=(folder / "value").read_text,
            refused=(
                (action("add", "db-1"), "db-1"),
                (action("add", pause=61), "parameters.pause"),
                (action("add", pause="1; reboot"), "parameters.pause"),
                (action("say", text="-rf"), "parameters.text"),
                (action("say", text="two\nlines"), "parameters.text"),
                (action("say", text="plain\n"), "parameters.text"),
                (action("reboot"), "ssh.reboot"),
                (action("elsewhere"), "db-*"),
            ),
            unreachable=lambda: executor(
                server, folder, hosts=[{"name": "web-1", "address": "127.0.0.1", "port": closed}]
            ),
            silent=silent,
            lost=lost,
        )


class TestCommandWithACheck(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        return opened(folder)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    (tmp_path / "value").write_text("7\n")
    with ssh_server(tmp_path / "server", password=SECRET) as running:
        yield running


def test_a_parameter_stays_one_word_whatever_is_in_it(server: SshServer, tmp_path: Path) -> None:
    text = "a; echo $HOME '\" b"
    with pytest.raises(ActionError, match=r"parameters\.text"):
        executor(server, tmp_path).execute(action("say", text=text), call())
    text = "a; echo $h '\" b"
    effect = executor(server, tmp_path).execute(action("say", text=text), call())
    assert effect.detail["output"] == text


@pytest.mark.parametrize(("verb", "effect"), [("fail", "unknown"), ("refuse", "none"), ("absent", "none")])
def test_how_a_command_ends_says_what_is_known_of_its_effect(
    server: SshServer, tmp_path: Path, verb: str, effect: str
) -> None:
    with pytest.raises(ActionError) as caught:
        executor(server, tmp_path).execute(action(verb), call())
    assert caught.value.effect == effect


def test_output_is_limited_and_kept_only_where_the_settings_say_so(server: SshServer, tmp_path: Path) -> None:
    found = executor(server, tmp_path)
    flood = found.execute(action("flood"), call()).detail
    assert len(str(flood["output"])) == 2000
    assert flood["output_cut"] is True
    assert "token" not in repr(found.execute(action("leak"), call(step="s2")))


def test_a_command_that_is_called_off_while_it_runs_is_ended_and_unknown(
    server: SshServer, tmp_path: Path
) -> None:
    flag = threading.Event()
    threading.Timer(0.5, flag.set).start()
    start = time.monotonic()
    with pytest.raises(ActionError, match="called off") as caught:
        executor(server, tmp_path).execute(action("add", pause=30), call(cancelled=flag.is_set))
    assert caught.value.effect == "unknown"
    assert time.monotonic() - start < 5


def test_a_host_that_cannot_prove_its_key_gets_no_command(server: SshServer, tmp_path: Path) -> None:
    with ssh_server(tmp_path / "other") as other:
        keys_of_other = other.known_hosts.read_text().replace(str(other.port), str(server.port))
    server.known_hosts.write_text(keys_of_other)
    with pytest.raises(ActionError, match="known_hosts") as caught:
        executor(server, tmp_path).execute(action("add"), call())
    assert (caught.value.effect, caught.value.retry, server.commands) == ("none", False, [])


def test_a_key_opens_it_and_a_wrong_password_does_not(server: SshServer, tmp_path: Path) -> None:
    by_key = executor(server, tmp_path, password=None, key_file=server.key_file)
    assert by_key.execute(action("add"), call()).changed
    with pytest.raises(ActionError, match="username, key and password") as caught:
        executor(server, tmp_path, password="wrong-" + SECRET).execute(action("add"), call())
    assert (caught.value.effect, caught.value.retry) == ("none", False)
    assert SECRET not in str(caught.value)


def test_a_command_without_a_check_is_at_least_once(server: SshServer, tmp_path: Path) -> None:
    found = executor(server, tmp_path)
    spec = next(each for each in found.specs() if each.name == "ssh.say")
    assert (spec.exactly_once, spec.reversible, spec.level) == (False, False, 3)
    assert found.done(action("say"), call(), {}) is None
    assert [each.key for each in found.preview(action("say")).objections] == ["process.objection.no_trace"]
    with pytest.raises(ActionError, match="cannot be undone"):
        found.undo(action("say"), call("undo"), {})


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ({"run": ["rm", "{path}"]}, "path"),
        ({"run": ["rm", "{path}"], "parameters": {"path": {"type": "string"}}}, "pattern or choices"),
        ({"run": ["a"], "level": "reversible"}, "needs undo"),
        ({"run": ["a"], "check": ["b"]}, "idempotent"),
        ({"run": ["a"], "undo": ["b", "{before}"]}, "look"),
    ],
)
def test_a_catalogue_that_cannot_be_right_is_refused(
    command: dict[str, Any], word: str, tmp_path: Path
) -> None:
    with pytest.raises(ValidationError, match=word):
        SshExecutorSettings(
            hosts=[{"name": "a"}],  # type: ignore[list-item]
            known_hosts=tmp_path,
            username="a",
            password=SECRET,  # type: ignore[arg-type]
            commands=[{"name": "x"} | command],  # type: ignore[list-item]
        )


def test_known_hosts_are_required(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="known_hosts"):
        SshExecutorSettings(
            hosts=[{"name": "a"}], username="a", password=SECRET, commands=[{"name": "x", "run": ["a"]}]
        )  # type: ignore[call-arg,list-item,arg-type]


def test_what_only_reads_is_taken_back_by_doing_nothing() -> None:
    command = {"name": "who", "run": ["who"], "level": "read_only"}
    settings = {"hosts": [{"name": "web-1"}], "known_hosts": "/none", "username": "u", "key_file": "/none", "commands": [command]}  # fmt: skip
    found = SshExecutor(SshExecutorSettings(**settings))  # type: ignore[arg-type]
    assert not found.undo(action("who"), call("undo"), {}).changed
    assert found.done(action("who"), call("undo"), {}) is True

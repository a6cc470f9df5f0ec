"""The executor `git` against real repositories, most of them behind a real Git server."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.git import GitExecutor, GitExecutorSettings
from sre_copilot.action.executors.git.values import ValueProblem, read, write
from sre_copilot.domain.plan import Action, RiskLevel, Target
from sre_copilot.testing.executor_contract import SECRET, Case, ExecutorContract, call
from sre_copilot.testing.servers.git import GitServer, git_server
from sre_copilot.testing.servers.relay import relay

pytestmark = [
    pytest.mark.integration,  # each starts processes of git
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]
SHOP = f"# sizes\npool:\n  size: 10   # of connections\n  name: a b\npassword: {SECRET}\n"
FLAGS = '{"cart": {"fast": true, "other": [1, 2]}}\n'
FILES = {"config/shop.yaml": SHOP, "flags.json": FLAGS, "other.txt": "x\n"}


def settings(url: str, **more: Any) -> GitExecutorSettings:
    usual: dict[str, Any] = {
        "url": url,
        "files": {
            "shop": {"path": "config/shop.yaml", "format": "yaml", "keys": ["pool.*", "password"]},
            "gone": {"path": "config/gone.yaml", "format": "yaml", "keys": ["*"]},
        },
        "flags": {"fast-cart": {"path": "flags.json", "format": "json", "key": "cart.fast"}},
        "revert_paths": ["config/*"],
    }
    return GitExecutorSettings(**{**usual, **more})


def action(verb: str, kind: str, name: str, **parameters: Any) -> Action:
    return Action(
        name=f"git.{verb}", target=Target(executor="git", kind=kind, name=name), parameters=parameters
    )


def set_size(value: Any = 20, name: str = "shop", key: str = "pool.size") -> Action:
    return action("set_value", "file", name, key=key, value=value)


def holding_back(server: GitServer) -> None:
    """The server takes a push, and does not come to its end."""
    hook = server.path / "hooks/post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexec sleep 20 >/dev/null 2>&1\n")
    hook.chmod(0o755)


@contextmanager
def opened(folder: Path, make: Callable[[GitServer], dict[str, Any]]) -> Iterator[Case]:
    with git_server(folder / "server", password=SECRET) as server:
        server.commit(FILES, "Begin")
        more = make(server)
        begin = len(server.titles())
        port = int(server.url.split(":")[2].split("/")[0])

        def executor(url: str = server.url) -> GitExecutor:
            return GitExecutor(settings(url, token=SECRET))

        @contextmanager
        def silent() -> Iterator[GitExecutor]:
            with relay(("127.0.0.1", port)) as between:
                between.manner = "silent"
                yield executor(server.url.replace(str(port), str(between.address[1])))  # type: ignore[index]

        @contextmanager
        def lost() -> Iterator[GitExecutor]:
            holding_back(server)
            yield GitExecutor(settings(str(server.path)))
            (server.path / "hooks/post-receive").unlink()

        with relay(("127.0.0.1", port)) as gone:
            closed = server.url.replace(str(port), str(gone.address[1]))  # type: ignore[index]
        yield Case(
            executor=executor,
            effects=lambda: len(server.titles()) - begin,
            state=lambda: {path: server.read(path) for path in FILES},
            unreachable=lambda: executor(closed),
            silent=silent,
            lost=lost,
            **more,
        )


class TestSettingAValue(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        refused = (
            (set_size(name="other"), "there are: shop"),
            (set_size(key="port"), "pool.*"),
            (set_size(value=[1]), "parameters.value"),
            (action("set_value", "flag", "shop", key="pool.size", value=1), "target.kind"),
            (action("set_flag", "flag", "fast-cart", value="on"), "choose one of True, False"),
            (action("set_flag", "flag", "fast-cart", value=1), "choose one of True, False"),
            (action("revert_commit", "branch", "main", commit="HEAD"), "parameters.commit"),
            (action("revert_commit", "branch", "dev", commit="a" * 40), "dev"),
        )
        return opened(
            folder,
            lambda _: {"action": set_size(), "absent": set_size(name="gone"), "refused": refused},
        )


class TestSwitchingAFlag(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        return opened(folder, lambda _: {"action": action("set_flag", "flag", "fast-cart", value=False)})


class TestRevertingACommit(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        def make(server: GitServer) -> dict[str, Any]:
            wrong = server.commit({"config/shop.yaml": SHOP.replace("10", "1000")}, "Enlarge the pool")
            server.commit({"other.txt": "y\n"}, "Write something else")
            return {
                "action": action("revert_commit", "branch", "main", commit=wrong),
                "absent": action("revert_commit", "branch", "main", commit="a" * 40),
            }

        return opened(folder, make)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "server") as running:
        running.commit(FILES, "Begin")
        yield running


def test_only_the_value_changes_and_the_commit_bears_the_key(server: GitServer) -> None:
    GitExecutor(settings(str(server.path))).execute(set_size(), call())
    assert server.read("config/shop.yaml") == SHOP.replace("size: 10 ", "size: 20 ")
    assert f"SRE-Copilot-Key: {call().key}" in server.run("log", "-1", "--format=%B", "main")


def test_what_was_changed_after_the_look_is_not_overwritten(server: GitServer) -> None:
    found = GitExecutor(settings(str(server.path)))
    version = found.look(set_size()).version
    server.commit({"other.txt": "y\n"}, "Touch another file")
    assert found.look(set_size()).version == version
    server.commit({"config/shop.yaml": SHOP.replace("10", "11")}, "Set it by hand")
    with pytest.raises(ActionError, match="look again") as caught:
        found.execute(set_size(), call(version=version))
    assert (caught.value.effect, caught.value.retry) == ("none", False)


def test_a_push_that_comes_between_is_neither_lost_nor_overwritten(server: GitServer) -> None:
    found = GitExecutor(settings(str(server.path)))
    found.look(set_size())
    push, tried = found._verbs["git.set_value"]._repository.git.push, list[str]()  # type: ignore[attr-defined]

    def later(commit: str, branch: str, of: Any) -> bool:
        if not tried:
            server.commit({"other.txt": "between\n"}, "Come between")
        tried.append(commit)
        return bool(push(commit, branch, of))

    found._verbs["git.set_value"]._repository.git.push = later  # type: ignore[attr-defined]
    assert found.execute(set_size(), call()).changed
    assert len(tried) == 2
    assert server.read("other.txt") == "between\n"
    assert server.titles() == ["Set pool.size in config/shop.yaml", "Come between", "Begin"]


def test_an_undo_leaves_alone_what_somebody_else_did_meanwhile(server: GitServer) -> None:
    found = GitExecutor(settings(str(server.path)))
    backup = found.backup(set_size())
    found.execute(set_size(), call())
    more = server.read("config/shop.yaml") + "added: 1\n"
    server.commit({"config/shop.yaml": more}, "Add something")
    found.undo(set_size(), call("undo"), backup)
    assert server.read("config/shop.yaml") == SHOP + "added: 1\n"
    found.execute(set_size(), call(step="s2"))
    server.commit({"config/shop.yaml": SHOP.replace("10", "33")}, "Set it by hand")
    with pytest.raises(ActionError, match="somebody else") as caught:
        found.undo(set_size(), call("undo", step="s2"), backup)
    assert caught.value.effect == "none"
    assert "size: 33" in server.read("config/shop.yaml")


def test_a_server_that_refuses_the_push_says_so_and_nothing_is_done(server: GitServer) -> None:
    hook = server.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(ActionError, match="refuses the push") as caught:
        GitExecutor(settings(str(server.path))).execute(set_size(), call())
    assert (caught.value.effect, caught.value.retry) == ("none", False)
    assert server.read("config/shop.yaml") == SHOP


def test_a_commit_is_not_reverted_where_that_would_touch_what_came_later(server: GitServer) -> None:
    found = GitExecutor(settings(str(server.path)))
    wrong = server.commit({"config/shop.yaml": SHOP.replace("10", "1000")}, "Enlarge")
    revert = action("revert_commit", "branch", "main", commit=wrong)
    server.commit({"config/shop.yaml": SHOP.replace("10", "500")}, "Make it smaller")
    assert [each.key for each in found.preview(revert).objections] == ["git.objection.conflict"]
    with pytest.raises(ActionError, match="same lines") as caught:
        found.execute(revert, call())
    assert caught.value.effect == "none"
    foreign = server.commit({"other.txt": "z\n"}, "Write elsewhere")
    with pytest.raises(ActionError, match="revert_paths"):
        found.execute(action("revert_commit", "branch", "main", commit=foreign), call())


def test_former_values_are_hidden_unless_the_settings_show_them(server: GitServer) -> None:
    secret = set_size("other", key="password")
    hidden = GitExecutor(settings(str(server.path))).preview(secret)
    assert SECRET not in repr(hidden)
    flag = GitExecutor(settings(str(server.path))).preview(
        action("set_flag", "flag", "fast-cart", value=False)
    )
    assert flag.difference[-2:] == ("-" + FLAGS.strip(), "+" + FLAGS.strip().replace("true", "false"))


def test_an_entry_counts_as_irreversible_unless_the_settings_say_otherwise(server: GitServer) -> None:
    levels = {each.name: each.level for each in GitExecutor(settings(str(server.path))).specs()}
    assert set(levels.values()) == {RiskLevel.HIGH}
    flags = {"f": {"path": "a", "format": "json", "key": "k", "level": "reversible"}}
    only = GitExecutor(settings(str(server.path), files={}, flags=flags, revert_paths=[]))
    assert [(each.name, each.level) for each in only.specs()] == [("git.set_flag", RiskLevel.MEDIUM)]


@pytest.mark.parametrize(
    ("format", "text", "key", "value", "after"),
    [
        ("yaml", "a:\n  b: 'x'  # c\n", "a.b", "y", 'a:\n  b: "y"  # c\n'),
        ("yaml", "a: [1, 2]\n", "a.1", 7, "a: [1, 7]\n"),
        ("yaml", "a: on time\n", "a", "yes", 'a: "yes"\n'),
        (
            "json",
            '{\n\t"a": {"x": [0, {"b.c": 1}]}}',
            "/a/x/1/b.c",
            2.5,
            '{\n\t"a": {"x": [0, {"b.c": 2.5}]}}',
        ),
        ("json", '{"b": 1, "a": "\\u00e9"}', "a", '"', '{"b": 1, "a": "\\""}'),
        ("properties", "# a=0\r\na.b = 1\r\nc=2\r\n", "a.b", True, "# a=0\r\na.b = true\r\nc=2\r\n"),
        ("properties", "x=1\\\n  a=2\na: 3\n", "a", " 4\\", "x=1\\\n  a=2\na: \\ 4\\\\\n"),
    ],
)
def test_a_value_is_replaced_in_its_place(format: str, text: str, key: str, value: Any, after: str) -> None:
    assert write(text, format, key, value) == after


@pytest.mark.parametrize(
    ("format", "text", "key", "value", "word"),
    [
        ("yaml", "a: &x 1\nb: *x\n", "a", 2, "anchor"),
        ("yaml", "a: 1\n---\na: 2\n", "a", 2, "no yaml"),
        ("yaml", "a: |\n  text\n", "a", "b", "plainly"),
        ("yaml", "a: {b: 1}\n", "a", 2, "more than one"),
        ("yaml", "a: 1\n", "a", "2", "same type"),
        ("yaml", "a: true\n", "a", 1, "same type"),
        ("yaml", "a: 1\n", "b", 1, "no such key"),
        ("json", '{"a": 1, "a": 2}', "a", 3, "stands twice"),
        ("json", "{", "a", 3, "no json"),
        ("properties", "a=1\\\n 2\n", "a", 3, "several lines"),
        ("properties", "b=1\n", "a", 3, "no such key"),
    ],
)
def test_what_cannot_be_replaced_alone_is_refused(
    format: str, text: str, key: str, value: Any, word: str
) -> None:
    with pytest.raises(ValueProblem, match=word):
        write(text, format, key, value)


def test_of_a_property_that_stands_twice_the_last_counts() -> None:
    assert read("a=1\na=2\n", "properties", "a") == "2"
    assert write("a=1\na=2\n", "properties", "a", "3") == "a=1\na=3\n"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"url": "ext::sh -c reboot"}, "no repository"),
        ({"url": "http://example.org/a.git"}, "in clear"),
        ({"url": "https://a:b@example.org/a.git"}, "password"),
        ({"url": "ssh://git@example.org/a.git"}, "known_hosts"),
        ({"url": "ssh://-oProxyCommand=x/a.git"}, "no repository"),
        ({"url": "/a", "token": SECRET}, "token"),
        ({"url": "/a", "branch": "a..b"}, "branch"),
        ({"url": "/a", "branch": "-x"}, "branch"),
        ({"url": "/a", "files": {}, "flags": {}, "revert_paths": []}, "at least one"),
        ({"url": "/a", "files": {"a": {"path": "../a", "format": "json", "keys": ["*"]}}}, "inside"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(more: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word) as caught:
        settings(**more)
    assert SECRET not in str(caught.value)

"""The executor `ansible` against Ansible on this machine; SRE_COPILOT_ANSIBLE names an `ansible-playbook` that is not in the path."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings
from sre_copilot.domain.plan import Action, Target
from sre_copilot.testing.executor_contract import Case, ExecutorContract, call

PROGRAM = os.environ.get("SRE_COPILOT_ANSIBLE") or shutil.which("ansible-playbook") or ""
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not PROGRAM, reason="not installed here: ansible-playbook"),
]
PLAY = """\
- hosts: all
  gather_facts: false
  tasks:
    - copy: {{content: "{content}", dest: "{folder}/value"}}
    - wait_for: {{timeout: "{{{{ pause }}}}"}}
      when: pause | int > 0 and not ansible_check_mode
"""


def playbooks(folder: Path) -> Path:
    (folder / "set.yml").write_text(PLAY.format(content="{{ size }}", folder=folder))
    (folder / "back.yml").write_text(PLAY.format(content="7", folder=folder))
    (folder / "hosts.ini").write_text(
        f"web-1 ansible_connection=local ansible_python_interpreter={sys.executable}\n"
    )
    (folder / "value").write_text("7")
    return folder


def executor(folder: Path, **more: Any) -> AnsibleExecutor:
    variables = {
        "size": {"type": "integer", "minimum": 1, "maximum": 64},
        "pause": {"type": "integer", "default": 0},
        "word": {"pattern": ".*", "default": "plain"},
    }
    usual: dict[str, Any] = {"name": "set", "file": "set.yml", "undo": "back.yml", "variables": variables}
    playbook = usual | {"level": "reversible", "convergent": True} | more
    return AnsibleExecutor(
        AnsibleExecutorSettings(
            folder=folder,
            inventory="hosts.ini",
            hosts=("web-*",),
            command=(PROGRAM,),
            playbooks=[playbook],  # type: ignore[arg-type]
        )
    )


def action(host: str = "web-1", **parameters: Any) -> Action:
    target = Target(executor="ansible", kind="host", name=host)
    return Action(name="ansible.set", target=target, parameters={"size": 9} | parameters)


class TestConvergentPlaybook(ExecutorContract):
    @contextmanager
    def opened(self, folder: Path) -> Iterator[Case]:
        playbooks(folder)
        yield Case(
            executor=partial(executor, folder),
            action=action(),
            effects=lambda: int((folder / "value").read_text() == "9"),
            state=(folder / "value").read_text,
            absent=action("web-none"),
            refused=(
                (action("db-1"), "target.name"),
                (action("web-1,db-1"), "target.name"),
                (action(size=65), "parameters.size"),
                (action(word="{{ lookup('env', 'HOME') }}"), "parameters.word"),
            ),
        )


def test_a_playbook_that_does_not_end_in_time_is_unknown_and_ended(tmp_path: Path) -> None:
    found = executor(playbooks(tmp_path))
    with pytest.raises(ActionError, match="did not end") as caught:
        found.execute(action(pause=60), call(seconds=8))
    assert caught.value.effect == "unknown"


def test_a_playbook_that_describes_no_state_is_at_least_once(tmp_path: Path) -> None:
    found = executor(playbooks(tmp_path), convergent=False)
    assert not found.specs()[0].exactly_once
    assert found.execute(action(), call()).changed
    assert found.done(action(), call(), {}) is None

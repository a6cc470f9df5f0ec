"""The executor `ansible` against a program that answers like ansible-playbook: three tasks that set three marks."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings
from sre_copilot.domain.plan import Action, Target
from sre_copilot.testing.executor_contract import call

pytestmark = pytest.mark.integration  # each starts processes of its own
PROGRAM = """\
import json, sys
place = {place!r}
marks = json.load(open(place))
checks, wanted = "--check" in sys.argv, int(sys.argv[-1] == "do.yml")
changed = failed = 0
for number, mark in enumerate(marks):
    print(f"TASK [mark {{number}}] ****")
    if mark == wanted:
        print("ok: [web-1]")
    elif number == 2 and wanted and not checks:
        print('fatal: [web-1]: FAILED! => {{}}')
        failed = 1
    else:
        print("changed: [web-1]")
        changed += 1
        marks[number] = mark if checks else wanted
json.dump(marks, open(place, "w"))
print(f"web-1      : ok=3    changed={{changed}}    unreachable=0    failed={{failed}}    skipped=0")
sys.exit(2 if failed else 0)
"""
ACTION = Action(name="ansible.p", target=Target(executor="ansible", kind="host", name="web-1"), parameters={})


def opened(folder: Path, marks: list[int]) -> tuple[AnsibleExecutor, Path]:
    place = folder / "marks.json"
    place.write_text(json.dumps(marks))
    program = folder / "program.py"
    program.write_text(PROGRAM.format(place=str(place)))
    playbook: dict[str, Any] = {"name": "p", "file": "do.yml", "undo": "undo.yml", "level": "reversible", "convergent": True}  # fmt: skip
    settings = {"folder": folder, "inventory": "h.ini", "hosts": ["web-1"], "command": [sys.executable, "-S", str(program)]}  # fmt: skip
    return AnsibleExecutor(AnsibleExecutorSettings(**settings, playbooks=[playbook])), place


def test_a_run_that_failed_half_way_is_not_as_before_until_it_was_taken_back(tmp_path: Path) -> None:
    found, place = opened(tmp_path, [0, 0, 0])
    backup = found.backup(ACTION)
    with pytest.raises(ActionError, match="ended with 2"):
        found.execute(ACTION, call())
    assert json.loads(place.read_text()) == [1, 1, 0]
    assert found.done(ACTION, call("undo"), backup) is False
    found.undo(ACTION, call("undo"), backup)
    assert found.done(ACTION, call("undo"), backup) is True


def test_as_many_other_changes_are_another_state(tmp_path: Path) -> None:
    found, place = opened(tmp_path, [0, 1, 1])
    looked, backup = found.look(ACTION), found.backup(ACTION)
    place.write_text("[1, 0, 1]")
    other = found.look(ACTION)
    assert dict(other.state) == dict(looked.state) == {"would_change": 1}
    assert other.digest != looked.digest
    assert found.done(ACTION, call("undo"), backup) is False


def test_without_a_backup_nobody_knows_whether_it_was_taken_back(tmp_path: Path) -> None:
    found, _ = opened(tmp_path, [0, 0, 0])
    assert found.done(ACTION, call("undo"), {}) is None

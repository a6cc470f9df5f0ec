"""Taking a commit back by another one, and that again by putting it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import digest, matches, refused, schema, undoing
from sre_copilot.action.executors.git.repository import Repository
from sre_copilot.action.executors.git.settings import GitExecutorSettings
from sre_copilot.action.executors.levels import worst
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec

State = Literal["there", "reverted", "mixed"]
COMMIT = {"type": "string", "pattern": "^[0-9a-f]{40}([0-9a-f]{24})?$", "description": "Id of the commit, in full."}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A commit of the branch: where it changed something, whether that is in place, and the trees with and without it ('' where later changes stand in the way)."""

    paths: tuple[str, ...]
    state: State
    blobs: Mapping[str, str]
    without: str
    with_it: str


class RevertCommit:
    """`revert_commit`."""

    def __init__(self, settings: GitExecutorSettings, repository: Repository) -> None:
        self._settings, self._repository = settings, repository
        self.spec = ActionSpec(
            name=f"{settings.name}.revert_commit",
            level=worst([settings.revert_level]),
            parameters=schema(("commit",), commit=COMMIT),
            kinds=("branch",),
            does=Message(key="git.does.revert_commit"),
            reversible=True,
            exactly_once=True,
            fenced=True,
            timeout_seconds=settings.action_timeout_seconds,
            idempotent=True,
        )

    def adjust(self, action: Action) -> Action:
        """The action as it is, if it is about our branch."""
        if action.target.name != self._settings.branch:
            raise self._refused(f"target.name: {action.target.name} is not the branch of the settings, {self._settings.branch}")  # fmt: skip
        return action

    def look(self, action: Action) -> Looked:
        """Whether what the commit changed is in place."""
        with self._repository.opened(None) as head:
            if not self._is_there(action, head, None):
                return Looked(exists=False)
            found = self._found(action, head, None)
        state = {"commit": action.parameters["commit"], "state": found.state, "paths": list(found.paths)}
        return Looked(exists=True, state=state, digest=digest([found.state, found.blobs]), version=_version(found))  # fmt: skip

    def preview(self, action: Action) -> Preview:
        """Which files would change; a conflict is an objection."""
        with self._repository.opened(None) as head:
            found = self._known(action, head, None)
        words = {"there": (), "reverted": ("nothing_to_do",), "mixed": ("conflict",)}[found.state]
        after = "reverted" if found.state == "there" else found.state
        return Preview(
            before={"state": found.state},
            after={"state": after},
            difference=tuple(f"{path}: as before the commit" for path in found.paths)
            if found.without
            else (),
            objections=tuple(Message(key=f"git.objection.{word}") for word in words),
            checked_by_target=True,
        )

    def backup(self, action: Action) -> Mapping[str, Any]:
        """Where the branch stood, and whether the commit was in place; the content stays in the repository."""
        with self._repository.opened(None) as head:
            return {"commit": head, "state": self._known(action, head, None).state}

    def execute(self, action: Action, call: Call) -> Effect:
        """Revert it."""
        return self._moved(action, call, "Revert", "reverted")

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """By the key in a commit, or by what the files hold."""
        with self._repository.opened(call) as head:
            if self._repository.keyed(head, call.key, call):
                return True
            state = self._known(action, head, call).state
        return state == (backup.get("state", "there") if undoing(call) else "reverted")

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the files are without it."""
        with self._repository.opened(call) as head:
            ok = self._known(action, head, call).state == "reverted"
        key = "git.verify.reverted" if ok else "git.verify.not_reverted"
        params = (("commit", action.parameters["commit"][:12]),)
        return Verified(ok=ok, settled=True, reason=Message(key=key, params=params), detail={"commit": head})

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Put it in place again, if it was when it was reverted."""
        if backup.get("state") != "there":
            return Effect(changed=False)
        return self._moved(action, call, "Put back", "there")

    def _moved(self, action: Action, call: Call, word: str, wanted: State) -> Effect:
        commit = action.parameters["commit"]

        def changes(head: str, call: Call) -> str | None:
            found = self._known(action, head, call)
            if call.version and call.version != _version(found):
                raise self._refused("its files were changed after they were looked at; look again")
            if found.state == wanted:
                return None
            tree = found.without if wanted == "reverted" else found.with_it
            if not tree:
                raise self._refused(f"parameters.commit: later commits changed the same lines as {commit[:12]}; let a person decide")  # fmt: skip
            return tree

        made = self._repository.move_on(f"{word} {commit[:12]}", call, changes)
        return Effect(changed=bool(made), detail={"commit": made, "of": commit} if made else {})

    def _is_there(self, action: Action, head: str, call: Call | None) -> bool:
        commit = action.parameters["commit"]
        return not self._repository.git.local("merge-base", "--is-ancestor", commit, head, call=call).code

    def _known(self, action: Action, head: str, call: Call | None) -> Found:
        if not self._is_there(action, head, call):
            raise self._refused(f"parameters.commit: {action.target.name} holds no such commit; correct it")
        return self._found(action, head, call)

    def _found(self, action: Action, head: str, call: Call | None) -> Found:
        git, commit = self._repository.git, action.parameters["commit"]
        _, *parents = git.must("rev-list", "--parents", "-n", "1", commit, call=call).split()
        if len(parents) != 1:
            raise self._refused("parameters.commit: is a merge or the first commit; let a person revert it")
        listed = git.must("diff-tree", "-r", "-z", "--name-only", "--no-renames", parents[0], commit, call=call)  # fmt: skip
        paths = tuple(filter(None, listed.split("\0")))
        foreign = [path for path in paths if not matches(path, self._settings.revert_paths)]
        if foreign:
            raise self._refused(f"parameters.commit: touches {foreign[0]}, which is not among revert_paths; let a person revert it")  # fmt: skip
        blobs = self._blobs(head, paths, call)
        without = self._tree(head, parents[0], commit, call, "--reverse")
        with_it = self._tree(head, parents[0], commit, call)
        if blobs == self._blobs(commit, paths, call):
            state: State = "there"
        elif blobs == self._blobs(parents[0], paths, call):
            state = "reverted"
        else:
            state = "mixed" if bool(without) == bool(with_it) else "there" if without else "reverted"
        return Found(paths=paths, state=state, blobs=blobs, without=without, with_it=with_it)

    def _blobs(self, commit: str, paths: tuple[str, ...], call: Call | None) -> dict[str, str]:
        found = {path: self._repository.blob(commit, path, call) for path in paths}
        return {path: blob.id if blob else "" for path, blob in found.items()}

    def _tree(self, head: str, parent: str, commit: str, call: Call | None, *way: str) -> str:
        """The head with the change of a commit put on it, or taken off; '' when it does not fit."""
        git = self._repository.git
        patch = git.local("diff-tree", "-p", "--binary", "--full-index", "--no-renames", parent, commit, call=call).out  # fmt: skip
        with self._repository.index(head, call) as more:
            said = git.local("apply", "--cached", *way, call=call, given=patch, more=more)
            return "" if said.code else git.must("write-tree", call=call, more=more)

    def _refused(self, problem: str) -> ActionError:
        return refused(self._settings.name, problem)


def _version(found: Found) -> str:
    return digest(found.blobs)

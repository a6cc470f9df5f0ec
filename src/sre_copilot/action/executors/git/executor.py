"""The executor `git`."""

from __future__ import annotations

from typing import ClassVar

from sre_copilot.action.executors.common import VerbExecutor
from sre_copilot.action.executors.git.repository import Repository
from sre_copilot.action.executors.git.reverting import RevertCommit
from sre_copilot.action.executors.git.setting import SetFlag, SetValue
from sre_copilot.action.executors.git.settings import GitExecutorSettings


class GitExecutor(VerbExecutor):
    """One branch of one repository."""

    Settings: ClassVar[type[GitExecutorSettings]] = GitExecutorSettings

    def __init__(self, settings: GitExecutorSettings) -> None:
        repository = Repository(settings)
        verbs: list[SetValue | SetFlag | RevertCommit] = []
        if settings.files:
            verbs.append(SetValue(settings, repository))
        if settings.flags:
            verbs.append(SetFlag(settings, repository))
        if settings.revert_paths:
            verbs.append(RevertCommit(settings, repository))
        super().__init__(settings.name, verbs)

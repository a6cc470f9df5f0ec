"""Every error that SRE Copilot raises on purpose.

SreCopilotError
├── UsageError            the request itself cannot be served: exit code 2
│   └── BadCaseError      a recorded case cannot be read as described
├── MethodError           a detector or localiser failed; never replaced by an invented result
└── PluginError           an entry point cannot be loaded
"""

from __future__ import annotations


class SreCopilotError(Exception):
    """The base of all errors raised on purpose; its text is fit to be shown to a person."""


class UsageError(SreCopilotError):
    """The request cannot be served as given; the message names the field and the way out."""


class BadCaseError(UsageError):
    """A recorded case cannot be read.

    Parameters
    ----------
    file : name of the file inside the case
    problem : what is wrong, in words
    remedy : what to do about it
    field, row : where in the file, when known
    """

    def __init__(
        self, file: str, problem: str, *, remedy: str = "", field: str = "", row: int | None = None
    ) -> None:
        self.file = file
        self.problem = problem
        self.remedy = remedy
        self.field = field
        self.row = row
        place = file + (f", row {row}" if row is not None else "") + (f", field '{field}'" if field else "")
        super().__init__(f"{place}: {problem}" + (f" ({remedy})" if remedy else ""))


class MethodError(SreCopilotError):
    """A method failed on its input; the message names the method."""


class PluginError(SreCopilotError):
    """A plug-in cannot be loaded; the message names its entry point."""

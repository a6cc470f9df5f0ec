"""Every error that SRE Copilot raises on purpose.

SreCopilotError
├── UsageError            the request itself cannot be served: exit code 2
│   ├── BadCaseError      a recorded case cannot be read as described
│   └── SettingsError     the configuration cannot be used
├── SourceError           a system could not be read now
│   ├── SourceUnreachable no connection, or none in time
│   ├── SourceRefused     it does not accept who we are, or what we ask
│   └── SourceAnswerError it answered what nobody can read
├── StoreError            what we keep cannot be read or written
├── BusError              the broker does not take or give events
├── DurableError          a durable run cannot be started, gone on with or read
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


class SettingsError(UsageError):
    """The configuration cannot be used; the message names the key and the way out."""


class SourceError(SreCopilotError):
    """A system could not be read now; others still can.

    Parameters
    ----------
    source : what the configuration calls it
    problem : what happened, with the query and the server's own words, without any secret
    remedy : what to do about it
    """

    def __init__(self, source: str, problem: str, *, remedy: str = "") -> None:
        self.source = source
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{source}: {problem}" + (f" ({remedy})" if remedy else ""))


class SourceUnreachable(SourceError):  # noqa: N818 - a kind of SourceError, and it reads better so
    """There is no connection, or no answer within the time-out."""


class SourceRefused(SourceError):  # noqa: N818
    """The system does not accept our credentials, or refuses the query."""


class SourceAnswerError(SourceError):
    """The system answered something that is not what its interface promises."""


class StoreError(SreCopilotError):
    """What we keep cannot be read or written; the message names the place and the way out."""


class MethodError(SreCopilotError):
    """A method failed on its input; the message names the method."""


class PluginError(SreCopilotError):
    """A plug-in cannot be loaded; the message names its entry point."""


class BusError(SreCopilotError):
    """The broker does not take or give events; what was to be sent is still in the outbox."""


class DurableError(SreCopilotError):
    """A durable run cannot be started, gone on with or read."""

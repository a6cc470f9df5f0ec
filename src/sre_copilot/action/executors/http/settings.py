"""What the executor `http` can be told: addresses that may be reached, and the requests that may be made there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from sre_copilot.action.executors.levels import Level
from sre_copilot.action.executors.parameters import CatalogueParameter, once_each, used
from sre_copilot.action.notify.settings import is_loopback
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

KEY, BEFORE, TARGET, NAMESPACE = "key", "before", "target", "namespace"
TAKEN = frozenset({KEY, BEFORE, TARGET, NAMESPACE})
POINTER = r"^(/[^/]*)*$"


class HttpBase(Section):
    """An address that may be reached; no other is, whatever a parameter or an answer says."""

    url: str
    """Scheme, host, port and the beginning of the path: `https://api.example.org/v1`."""
    headers: dict[str, Secret] = Field(default_factory=dict)
    """Headers of every request there, such as `Authorization`; shown nowhere."""
    ca_file: Path | None = None
    """Certificates to trust besides the system's own, PEM; the server's certificate is always verified."""
    allow_plaintext: bool = False
    """Speak plain HTTP to another machine; off, for everyone between could read and change it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("url: is no address; write it as https://HOST/PATH")
        if parts.username or parts.password:
            raise ValueError("url: holds a name or password; use headers")
        if parts.scheme == "http" and not (self.allow_plaintext or is_loopback(parts.hostname)):
            raise ValueError("url: everything would travel in clear; use https, or set allow_plaintext: true")
        return self


class HttpTemplate(Section):
    """A request. In its texts `{NAME}` stands for a parameter, `{target}` and `{namespace}` for the target, `{key}` for the key of the effect, `{before}` for the state before."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """How it is asked."""
    path: str = Field(pattern=r"^/[^?#\\\s]*$")
    """Path below the address; what stands in for a name is one piece of it, and encoded."""
    query: dict[str, str] = Field(default_factory=dict)
    """Parameters of the address."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers besides those of the address."""
    body: Any = None
    """JSON document; a text that is one placeholder and nothing else takes the value with its type."""

    def placeholders(self) -> Iterator[str]:
        """Names that stand in it."""
        return used([self.path, self.query, self.headers, self.body])


class HttpEntry(Section):
    """An action: a request, and how its effect is seen and taken back."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """How plans call it: `http.NAME`."""
    base: str
    """Name of the address in `bases`."""
    kind: str = Field(default="resource", pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")
    """Kind of its targets."""
    targets: tuple[str, ...] = Field(min_length=1)
    """Patterns of the names of targets that it may be done to."""
    request: HttpTemplate
    """What is asked; the header `Idempotency-Key` goes with it."""
    parameters: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], CatalogueParameter] = Field(default_factory=dict)  # fmt: skip
    """Its parameters."""
    level: Level = "irreversible"
    """How bad it can be; `key` needs two people, `reversible` needs `undo`."""
    look: HttpTemplate | None = None
    """GET of the state that it changes; 404 means that the target is not there."""
    state: str = Field(default="", pattern=POINTER)
    """JSON pointer of the state in the answer to `look`: `/spec/weight`; it is kept with the plan, so it must be no secret. Empty: the whole answer."""
    wanted: Any = None
    """What the state is once the effect is there, such as `{weight}`; what is so already is not done again. Without it and without `find` the action is at-least-once, and never run without a person."""
    find: HttpTemplate | None = None
    """GET that finds the effect by `{key}`: success when it is there, 404 when not."""
    undo: HttpTemplate | None = None
    """Takes it back; `{before}` is the state before."""
    success: tuple[int, ...] = (200, 201, 202, 204)
    """Statuses that mean that it was done or accepted."""
    compare: bool = False
    """Send the `ETag` of `look` as `If-Match`, so that the server refuses what rests on an outdated state."""
    timeout_seconds: float = Field(default=60.0, ge=1, le=600)
    """Time-out of the action."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if TAKEN & set(self.parameters):
            raise ValueError(f"parameters: {', '.join(sorted(TAKEN))} are taken; choose other names")
        allowed = set(self.parameters) | {TARGET, NAMESPACE}
        more = {"request": {KEY}, "look": set(), "find": {KEY}, "undo": {KEY, BEFORE}}
        for place, extra in more.items():
            template = getattr(self, place)
            unknown = set(template.placeholders() if template else ()) - allowed - extra
            if unknown:
                raise ValueError(
                    f"{place}: {', '.join(sorted(unknown))} cannot stand there; add it to parameters"
                )
        if set(used(self.wanted)) - allowed:
            raise ValueError("wanted: may name parameters and the target only")
        return self._whole()

    def _whole(self) -> Self:
        if any(each and each.method != "GET" for each in (self.look, self.find)):
            raise ValueError("look, find: must be GET, for they may change nothing")
        if (self.wanted is not None or self.undo or self.compare) and not self.look:
            raise ValueError("look: is missing; wanted, undo and compare need it")
        if self.find and KEY not in set(self.find.placeholders()):
            raise ValueError("find: must use {key}, or it finds anybody's effect")
        if self.level == "reversible" and not self.undo:
            raise ValueError("level: reversible needs undo")
        return self


class HttpExecutorSettings(Section):
    """What the executor `http` can be told."""

    name: str = Field(default="http", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """How plans call it; actions are `NAME.ENTRY`."""
    bases: dict[str, HttpBase] = Field(min_length=1)
    """Addresses that may be reached, by name."""
    requests: tuple[HttpEntry, ...] = Field(min_length=1)
    """What may be asked there."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    """Longest wait for one answer; never longer than what is left of an action's own time."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        once_each((each.name for each in self.requests), "requests")
        for each in self.requests:
            if each.base not in self.bases:
                raise ValueError(f"requests: {each.name}: base {each.base!r} is none of bases; correct it")
        return self

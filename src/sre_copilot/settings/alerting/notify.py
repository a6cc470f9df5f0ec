"""The keys of `alerting.notify`: receivers by name, and by which services each is reached."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from sre_copilot.settings.section import Section

SLACK_URL = "SLACK_WEBHOOK_URL"
MAIL_FROM = "ALERT_FROM_EMAIL"
PAGERDUTY_KEY = "PAGERDUTY_API_KEY"
DEFAULT = "default"
"""Name of the receiver that the variables alone make, where none is configured."""
_CONFIGS = "_configs"


class Limit(Section):
    """At most so many messages in so many seconds, in any such span of time."""

    messages: int = Field(ge=1)
    """Messages."""
    seconds: float = Field(gt=0, le=86_400)
    """Seconds."""


class Templates(Section):
    """Wording of one's own: Jinja2, sandboxed. What it makes is plain text; each service escapes it."""

    title: str = ""
    """Template of the title; empty: the default title."""
    text: str = ""
    """Template of the text; empty: the default text."""
    title_file: Path | None = None
    """File with the template of the title."""
    text_file: Path | None = None
    """File with the template of the text."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        for name in ("title", "text"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                raise ValueError(f"{name}: stands beside {name}_file; give one of the two")
        return self


class Receiver(Section):
    """Somebody to be told, by one service or several; each of them is told."""

    name: str = Field(min_length=1, max_length=200)
    """What routes and policies call it."""
    language: Literal["en", "zh"] | None = None
    """Language of its messages; that of the whole configuration when absent. A person on call who has a language of their own is told in that."""
    send_resolved: bool = True
    """Whether it is also told of the end; without it a page stays open in the reader's mind."""
    fallback: str = ""
    """Receiver that is told instead when this one could not be reached; '' : that of `alerting.notify.fallback`."""
    limits: list[Limit] = Field(default_factory=list)
    """Limits of each of its bots; empty: those of the platform (20 a minute for DingTalk and WeCom, 5 a second and 100 a minute for Feishu, 1 a second for Slack)."""
    templates: Templates = Templates()
    notifiers: list[dict[str, Any]] = Field(default_factory=list)
    """Services, each with its `type` and the keys of its section on the page “Notifiers”; `slack_configs: [...]` and the like, as Alertmanager has them, are understood, too."""

    @model_validator(mode="before")
    @classmethod
    def _configs(cls, data: Any) -> Any:
        """Turn `slack_configs: [{…}]` into entries of `notifiers`."""
        if not isinstance(data, Mapping):
            return data
        listed = data.get("notifiers") or []
        short: list[dict[str, Any]] = []
        for key, entries in data.items():
            if not str(key).endswith(_CONFIGS):
                continue
            if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
                raise ValueError(f"{key}: must be a list of sections")
            short += [{**each, "type": str(key).removesuffix(_CONFIGS)} for each in entries]
        rest = {key: value for key, value in data.items() if not str(key).endswith(_CONFIGS)}
        return {**rest, "notifiers": [*short, *listed]} if isinstance(listed, list) else rest

    @field_validator("notifiers")
    @classmethod
    def _typed(cls, notifiers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for place, each in enumerate(notifiers):
            if not isinstance(each.get("type"), str):
                raise ValueError(f"notifiers.{place}.type: is missing; name the service, for example slack")
        return notifiers


class Notify(Section):
    """How receivers are reached."""

    receivers: list[Receiver] = Field(default_factory=list)
    """Receivers. Where there is none, `SLACK_WEBHOOK_URL` and `PAGERDUTY_API_KEY` make one named `default`."""
    fallback: str = ""
    """Receiver that is told what another one could not be told; empty: none, the failure is logged and counted."""
    give_up_after_minutes: float = Field(default=60, gt=0, le=7 * 24 * 60)
    """Minutes after which a message that cannot be delivered has failed; an hour, for by then escalation has called somebody else."""
    first_pause_seconds: float = Field(default=2, gt=0, le=60)
    """Pause after the first failed attempt, doubled with each further one: a restart of the other side takes some seconds."""
    longest_pause_seconds: float = Field(default=120, gt=0, le=3600)
    """Longest pause between two attempts; two minutes, so that what is back is used soon."""
    digest_after_seconds: float = Field(default=10, ge=0, le=600)
    """Messages that a bot's limit would hold back for longer than this are merged into one digest."""
    external_url: str = ""
    """Address of this server as readers reach it, for links; empty: no link to it."""

    @field_validator("external_url")
    @classmethod
    def _address(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("external_url: is no address; write it as https://HOST")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [each.name for each in self.receivers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"receivers: {name!r} stands twice; give each receiver a name of its own")
        known = {each.name for each in self.known()}
        for each in self.receivers:
            if each.fallback and (each.fallback not in known or each.fallback == each.name):
                raise ValueError(
                    f"receivers: the fallback {each.fallback!r} of {each.name!r} is no other receiver"
                )
        if self.fallback and self.fallback not in known:
            raise ValueError(f"fallback: there is no receiver {self.fallback!r}")
        return self

    def known(self) -> tuple[Receiver, ...]:
        """The receivers that are configured, or the one that the variables make."""
        if self.receivers:
            return tuple(self.receivers)
        kinds = [
            kind
            for kind, variable in (("slack", SLACK_URL), ("pagerduty", PAGERDUTY_KEY))
            if os.environ.get(variable)
        ]
        return (Receiver(name=DEFAULT, notifiers=[{"type": kind} for kind in kinds]),) if kinds else ()

"""Answers of the API of Alertmanager, as its own description of version 2 has them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sre_copilot.api.shapes.shape import Shape, Time

# ruff: noqa: N815 - the names of fields in the ecosystem


class Named(Shape):
    """A receiver."""

    name: str


class AlertStatus(Shape):
    """What keeps an alert from people."""

    inhibitedBy: list[str]
    silencedBy: list[str]
    mutedBy: list[str]
    state: Literal["unprocessed", "active", "suppressed"]


class GettableAlert(Shape):
    """An alert."""

    annotations: dict[str, str]
    endsAt: Time
    fingerprint: str
    receivers: list[Named]
    startsAt: Time
    status: AlertStatus
    updatedAt: Time
    generatorURL: str
    labels: dict[str, str]


class AlertGroup(Shape):
    """An aggregation group."""

    alerts: list[GettableAlert]
    labels: dict[str, str]
    receiver: Named
    routeLabels: dict[str, str]


class SilenceStatus(Shape):
    """Whether a silence is in effect."""

    state: Literal["expired", "active", "pending"]


class ApiMatcher(Shape):
    """One condition on a label."""

    name: str
    value: str
    isRegex: bool
    isEqual: bool


class GettableSilence(Shape):
    """A silence."""

    id: str
    status: SilenceStatus
    updatedAt: Time
    comment: str
    createdBy: str
    endsAt: Time
    matchers: list[ApiMatcher]
    startsAt: Time
    annotations: dict[str, str]


class PostedSilence(Shape):
    """The id of what was kept."""

    silenceID: str


class ClusterStatus(Shape):
    """There is none: several processes share one database instead."""

    status: Literal["disabled"]
    peers: list[str] = Field(max_length=0)


class VersionInfo(Shape):
    """What answers."""

    version: str
    revision: str
    branch: str
    buildUser: str
    buildDate: str
    goVersion: str


class Configuration(Shape):
    """The routing, as text."""

    original: str


class AlertmanagerStatus(Shape):
    """What answers, with which routing."""

    cluster: ClusterStatus
    versionInfo: VersionInfo
    config: Configuration
    uptime: Time

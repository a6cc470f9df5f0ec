"""The keys of `decision.approval`: who must agree, for how long it holds, and who is told."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sre_copilot.settings.acting.approval_chat import ApprovalChat
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

Pattern = Annotated[str, Field(min_length=1, max_length=300)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Level = Literal["low", "medium", "high", "critical"]


class ApproverGroup(Section):
    """People who answer for something."""

    people: Annotated[list[Name], Field(min_length=1)]
    """Keys of `alerting.people.persons`, or names of tokens."""
    receivers: list[Name] = Field(default_factory=list)
    """Receivers that are told of requests to the group; those of `decision.approval.receivers` when empty."""


class ApprovalRule(Section):
    """Steps that need an approver of a group; what is not named may be anything."""

    group: Name
    """One of `decision.approval.groups`."""
    environments: list[Pattern] = Field(default_factory=list)
    """Environments of the target, `*` stands for any text; a target without one counts as `production`."""
    actions: list[Pattern] = Field(default_factory=list)
    """Actions of the catalogue, for example `sql.*`."""
    services: list[Pattern] = Field(default_factory=list)
    """Services that the plan is for, for example `payment*`."""


class UnansweredStep(Section):
    """Who else is told of a request that nobody has answered."""

    after_minutes: float = Field(gt=0, le=7 * 24 * 60)
    """Minutes since the request."""
    receivers: Annotated[list[Name], Field(min_length=1)]
    """Receivers of `alerting.notify`."""


class Approval(Section):
    """Who must agree to a plan, and for how long that holds."""

    role: Literal["approver", "admin"] = "approver"
    """Role that an approver's token must have at least."""
    ttl_minutes: float = Field(default=60, gt=0, le=7 * 24 * 60)
    """Minutes in which a request can be answered; an hour, after which the diagnosis that it rests on is old."""
    valid_minutes: float = Field(default=30, gt=0, le=24 * 60)
    """Minutes after the last approval within which the first step must begin; half an hour, for a target seldom stays as it was for longer."""
    separation: bool = True
    """Whether whoever asked for a plan may not approve it; what the product proposed itself anybody may."""
    groups: dict[Name, ApproverGroup] = Field(default_factory=dict)
    """Groups of approvers, by name. A member needs the role, too."""
    rules: list[ApprovalRule] = Field(default_factory=list)
    """Which steps need an approver of which group: of each step the first rule that fits counts. Without any, everybody with the role may approve everything."""
    chat_approvers: list[Name] = Field(default_factory=list)
    """Persons of `alerting.people.persons` who may approve in chat without holding a token of the role; empty: whoever has none may not."""
    chat: ApprovalChat = ApprovalChat()
    receivers: list[Name] = Field(default_factory=list)
    """Receivers of `alerting.notify` that are told of requests; empty: the first that is configured."""
    unanswered: list[UnansweredStep] = Field(default_factory=list)
    """Who else is told when nobody answers, in order of time."""
    link_key: Secret | None = None
    """Secret that links in messages are signed with; at least 32 characters. None: one is made at the first start and kept in the store."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        for place, rule in enumerate(self.rules):
            if rule.group not in self.groups:
                listed = ", ".join(self.groups) or "none; add it"
                raise ValueError(f"rules.{place}.group: {rule.group!r} is no group; there are: {listed}")
        times = [each.after_minutes for each in self.unanswered]
        if times != sorted(times):
            raise ValueError("unanswered: the steps must stand in the order of after_minutes")
        if self.link_key is not None and len(self.link_key.get_secret_value()) < 32:
            raise ValueError("link_key: is too short; give at least 32 random characters")
        return self

    def named_receivers(self) -> tuple[tuple[str, str], ...]:
        """Every place that names a receiver, with the name: for whoever knows which there are."""
        groups = [
            (f"groups.{key}.receivers", name) for key, each in self.groups.items() for name in each.receivers
        ]
        later = [
            (f"unanswered.{place}.receivers", name)
            for place, each in enumerate(self.unanswered)
            for name in each.receivers
        ]
        return (*(("receivers", name) for name in self.receivers), *groups, *later)

"""The keys of `alerting.correlation`: what makes alerts one incident, and what is worth waking somebody."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from sre_copilot.settings.section import Section


class Weights(Section):
    """How much each kind of relation says that an alert belongs to an incident, 0..1; parts combine as independent witnesses: 1 - (1 - a)(1 - b)."""

    place: float = Field(default=0.75, ge=0, le=1)
    """The same service, or the same host where no service is known; enough by itself."""
    topology: float = Field(default=0.75, ge=0, le=1)
    """One call from the deepest failing service of the incident; enough by itself."""
    topology_decay: float = Field(default=0.85, ge=0, le=1)
    """Multiplies `topology` for each further call: a fault reaches its callers' callers a little weaker. Three calls away it still suffices."""
    change: float = Field(default=0.6, ge=0, le=1)
    """The same recent change (deployment, configuration) before both; enough by itself."""
    kind: float = Field(default=0.55, ge=0, le=1)
    """The same kind of alert elsewhere at the same time; enough by itself where the topology says nothing of the two places."""
    labels: float = Field(default=0.3, ge=0, le=1)
    """All label values in common; supports, and does not suffice even with the same text: clusters and teams are shared by unrelated faults."""
    text: float = Field(default=0.25, ge=0, le=1)
    """The same words; supports, never suffices."""
    unrelated: float = Field(default=0.3, ge=0, le=1)
    """Multiplies `kind`, `labels` and `text` where the topology knows both services and sees no way of calls between them."""


class Rule(Section):
    """What an incident of certain alerts needs; the first rule whose labels match an alert is its rule."""

    name: str
    """What `explain` calls it."""
    match: dict[str, str] = Field(default_factory=dict)
    """Label values that an alert must have; empty: every alert."""
    window_seconds: float | None = Field(default=None, gt=0, le=86_400)
    """How far apart alerts may begin; empty: that of `alerting.correlation`."""
    minimum_alerts: int = Field(default=1, ge=1)
    """So many alerts an incident needs before it wakes anybody."""
    minimum_kinds: int = Field(default=1, ge=1)
    """So many kinds of alerts it needs."""
    minimum_purity: float = Field(default=0, ge=0, le=1)
    """So large a share of its alerts must be at one place or of one kind."""
    minimum_worth: float | None = Field(default=None, ge=0, le=1)
    """Worth from which it wakes; empty: that of `alerting.correlation`."""


class Storms(Section):
    """When so much fires at once that people are told of it as a whole."""

    alerts: int = Field(default=200, ge=2)
    """Alerts that begin within `window_seconds`; more than a person can read while they come in (about three a second)."""
    window_seconds: float = Field(default=60, gt=0, le=3600)
    """Time over which they are counted."""
    times_usual: float = Field(default=5, ge=1)
    """And so many times the usual number: an installation that always has many is not in a storm for ever."""
    calm_share: float = Field(default=0.5, gt=0, le=1)
    """It is over when fewer than this share of the limit begin, for `calm_seconds`; below 1, so that it does not come and go at the limit."""
    calm_seconds: float = Field(default=300, ge=0)
    """So long it must be calm; one interval of messages."""
    wait_seconds: float = Field(default=30, ge=0, le=600)
    """In a storm incidents wait so long before they wake: the weightiest are only known when victims and causes are there."""
    incidents: int = Field(default=8, ge=1, le=100)
    """So many incidents wake by themselves in one storm, the weightiest; all others are told as one with a summary. As many as a person can look after at once."""


class Correlation(Section):
    """How alerts become incidents, and which of them wake somebody."""

    window_seconds: float = Field(default=300, gt=0, le=86_400)
    """How far apart alerts of one incident may begin; what fails together is seen within a few rounds of rule evaluation. An event that comes with its own end reaches only as far as it lasts."""
    longest_seconds: float = Field(default=3600, gt=0)
    """An incident takes on what is only near it (not itself again) for this long; else a busy place would be one incident for ever."""
    settle_seconds: float = Field(default=10, ge=0, le=600)
    """A new incident waits so long before it wakes: its cause often fires after its victims. Part of the first wait of a group, not in addition to it."""
    maximum_distance: int = Field(default=3, ge=1, le=10)
    """Calls between a fault and its victims; beyond three almost everything depends on everything."""
    join: float = Field(default=0.5, ge=0, le=1)
    """Relation from which an alert joins an incident: more likely than not."""
    weights: Weights = Weights()
    rules: tuple[Rule, ...] = ()
    """Rules before the default, which asks for one alert of any kind."""
    minimum_worth: float = Field(default=0.7, ge=0, le=1)
    """Worth from which an incident wakes somebody: a kind of alert that is new everywhere passes, a kind that is known elsewhere needs a second one beside it."""
    routine_novelty: float = Field(default=0.05, ge=0, le=1)
    """An alert less new than this, to which nobody gave a high severity, is routine: counted, listed, but no part of an incident. It fires about ten times a day where it does."""
    kind_share: float = Field(default=0.5, ge=0, le=1)
    """Share of novelty that a kind of alert keeps at a new place when it is well known elsewhere."""
    novelty_half_life_hours: float = Field(default=24, gt=0)
    """After this time half of what was seen is forgotten, so that what used to come each day and stopped is news again after a few days."""
    spell_seconds: float = Field(default=60, ge=0)
    """What comes again within this time counts as seen once: a habit is made by occasions, not by messages."""
    learning_hours: float = Field(default=24, ge=0)
    """So long after its first alert an installation learns: everything is new then, so novelty says nothing. One daily cycle. Alerts with a severity of their own are not affected."""
    learning_pairs: int = Field(default=10, ge=0)
    """With no more than this many kinds of alerts at their places known, novelty counts from the start: so many can be read."""
    remembered: int = Field(default=50_000, ge=100)
    """Kinds, places, values and words that are remembered at most, about 5 MB; the least usual are forgotten first."""
    flapping_factor: float = Field(default=0.5, ge=0, le=1)
    """Multiplies the worth of an alert that comes and goes all the time."""
    flapping_transitions: int = Field(default=6, ge=2)
    """An alert that began or ended so often within `flapping_window_seconds` flaps: three times in ten minutes is no recovery."""
    flapping_calm_transitions: int = Field(default=2, ge=0)
    """It is steady again when it has no more than this many in the window; fewer than above, so that the verdict itself does not flap."""
    flapping_window_seconds: float = Field(default=600, gt=0)
    """How far back transitions are counted."""
    storm: Storms = Storms()
    aliases: dict[str, str] = Field(default_factory=dict)
    """Names that alerts give a service, and its name in the topology."""
    owners: dict[str, str] = Field(default_factory=dict)
    """The team that owns a service."""
    tiers: dict[str, int] = Field(default_factory=dict)
    """How vital a service is: 1 (the business stops) to 4; it decides on priority together with severity and blast radius."""
    default_tier: int = Field(default=3, ge=1, le=4)
    """Tier of a service that is not named in `tiers`."""
    change_minutes: float = Field(default=60, ge=0)
    """Changes so long before an alert are attached to it; most faults of a change show within the hour."""

    @model_validator(mode="after")
    def _calm_below_alarm(self) -> Self:
        if self.flapping_calm_transitions >= self.flapping_transitions:
            raise ValueError(
                "flapping_calm_transitions: must be below flapping_transitions; 2 and 6 by default"
            )
        if wrong := [name for name, tier in self.tiers.items() if not 1 <= tier <= 4]:
            raise ValueError(f"tiers.{wrong[0]}: a tier is 1 (most vital) to 4")
        return self

"""Public holidays of a country, and dates of one's own, as plain dates."""

from __future__ import annotations

import datetime
from collections.abc import Collection

import holidays as calendar

from sre_copilot.errors import UsageError


def holiday_dates(
    country: str | None,
    *,
    years: Collection[int],
    subdivision: str | None = None,
    extra: Collection[datetime.date] = (),
) -> frozenset[datetime.date]:
    """Return the holidays of a country (ISO 3166 code) or none, and the extra dates (sales, month ends).

    Raises
    ------
    UsageError : when the country or its subdivision is not known
    """
    if country is None:
        return frozenset(extra)
    try:
        known = calendar.country_holidays(country, subdiv=subdivision, years=list(years))
    except (NotImplementedError, KeyError) as error:
        raise UsageError(
            f"holidays of '{country}' {subdivision or ''} are not known: {error}; use an ISO 3166 code such as CN or DE"
        ) from error
    return frozenset(known) | frozenset(extra)

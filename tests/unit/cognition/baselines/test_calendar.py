"""Holidays of a country come as plain dates."""

from __future__ import annotations

import datetime

import pytest

from sre_copilot.cognition.baselines.calendar import holiday_dates
from sre_copilot.errors import UsageError


def test_holidays_of_a_country_and_own_dates_are_joined() -> None:
    sale = datetime.date(2026, 11, 11)
    dates = holiday_dates("DE", years=[2026], extra=[sale])
    assert datetime.date(2026, 12, 25) in dates
    assert sale in dates


def test_without_a_country_there_are_only_own_dates() -> None:
    assert holiday_dates(None, years=[2026]) == frozenset()


def test_an_unknown_country_is_named() -> None:
    with pytest.raises(UsageError, match="XX"):
        holiday_dates("XX", years=[2026])

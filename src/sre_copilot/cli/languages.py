"""The languages that reports are written in, and which one it is where none is asked for."""

from __future__ import annotations

import os
from enum import StrEnum


class Language(StrEnum):
    """A language of the report."""

    EN = "en"
    ZH = "zh"


def default_language() -> Language:
    """Chinese where the environment's locale is Chinese, else English."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return Language.ZH if locale.lower().startswith("zh") else Language.EN

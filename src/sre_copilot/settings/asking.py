"""The keys of `chat` and `mcp`: how much may be asked, and what other agents may do."""

from __future__ import annotations

from pydantic import Field

from sre_copilot.settings.section import Section


class Chat(Section):
    """How much may be asked of the server."""

    max_question_characters: int = Field(default=8000, ge=100, le=100_000)
    """Length of one question with what it is about; an alert rule or a stack trace fits, a log does not."""
    at_once: int = Field(default=4, ge=1, le=64)
    """Questions that are worked on at the same time; each keeps a core busy for seconds."""
    at_once_each: int = Field(default=2, ge=1, le=64)
    """Of one token, so that nobody keeps the others waiting."""
    per_minute: int = Field(default=60, ge=1, le=6000)
    """Questions and calls of tools of one token in a minute; an agent that looks around makes one a second, a person far fewer."""
    max_turns: int = Field(default=200, ge=1, le=10_000)
    """Questions of one session; a longer one is begun anew."""


class Mcp(Section):
    """The server of the Model Context Protocol."""

    enabled: bool = True
    """Whether `serve` answers at `/mcp`; a token is needed there as elsewhere."""
    write_tools: bool = False
    """Whether responders get tools that write (tell a change, label, draft a card); off, for an agent may be told to use them by what it reads."""

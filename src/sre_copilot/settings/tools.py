"""Tools that users bring: checks of their own components, and servers that speak the Model Context Protocol."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

import re2  # type: ignore[import-untyped]
from pydantic import Field, TypeAdapter, field_validator, model_validator
from pydantic_core import SchemaError

from sre_copilot.settings.inline_code import inline_code
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Role, Section

NAME = r"^[a-z][a-z0-9_]{0,63}$"
PLAIN = r"[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,127}"
"""What a text parameter may be unless it says otherwise: a name, no path, no blank, no leading hyphen."""
_PLACES = (
    "url|uri|host|hostname|address|addr|ip|ipv4|ipv6|endpoint|server|port|path|file|filename|dir|directory|folder"
    "|domain|fqdn|href|link|webhook|site|website|proxy|socket|dsn"
)
_ADDRESS = re.compile(
    rf"(?:^|_)(?:{_PLACES}|[a-z0-9]+(?:url|uri|hostname|address|endpoint|path|webhook|domain))s?\d*(?:_?name)?s?$"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})|[^A-Za-z0-9]+")


def says_where(name: str) -> bool:
    """Whether a parameter says by its name where to reach, in snake_case or camelCase; only the operator says that."""
    return _ADDRESS.search(_HUMP.sub("_", name).strip("_").lower()) is not None


PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class CheckParameter(Section):
    """One parameter of a check."""

    type: Literal["string", "integer", "number", "boolean"] = "string"
    """Type of the value; numbers and texts are validated, never pasted into a shell."""
    description: str = ""
    """What it means, for people and models."""
    pattern: str = PLAIN
    """Regular expression that a whole text must match; a value never begins with a hyphen."""
    enum: list[str] = Field(default_factory=list)
    """The only values that are allowed; a parameter that names a host, an address or a path needs them."""
    required: bool = True
    """Whether it must be given; without a value the part of the command that names it is left out."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        """Both engines that match it, of the check itself and of the arguments, must know what it says."""
        try:
            re2.compile(value)
            TypeAdapter(Annotated[str, Field(pattern=f"^(?:{value})$")])
        except (re2.error, SchemaError):
            raise ValueError(
                "is no regular expression that can be used (RE2: no look-ahead, look-behind or back-reference)"
            ) from None
        return value


class PythonCheck(Section):
    """A function of a Python file; it runs in a process of its own."""

    file: Path
    """The file."""
    function: str = Field(pattern=r"^[A-Za-z_]\w*$")
    """Name of the function; it gets the parameters by name and returns a text, a mapping or a list of them."""


class CheckTool(Section):
    """One check: a command, or a function."""

    name: str = Field(pattern=NAME)
    """Name of the tool: small letters, digits, underscores."""
    description: str = Field(min_length=5)
    """What it answers, in a sentence: by it a model chooses it."""
    description_zh: str = ""
    """The same in Chinese; the other sentence where it is empty."""
    command: list[str] = Field(default_factory=list)
    """Program and arguments, a list; `{{ name }}` stands for a parameter. There is no shell."""
    python: PythonCheck | None = None
    """Instead of a command: a function."""
    parameters: dict[str, CheckParameter] = Field(default_factory=dict)
    """Its parameters by name."""
    additional_instructions: str = ""
    """What helps to read its output, for people and models."""
    role: Role = "responder"
    """Who may run it; it runs on our machine, therefore not every viewer."""
    timeout_seconds: float = Field(default=20.0, gt=0, le=300)
    """Longest run; a check that takes longer belongs into a monitoring system."""
    max_output_characters: int = Field(default=20_000, ge=100, le=1_000_000)
    """Output beyond it is cut off."""
    ok_exit_codes: list[int] = Field(default_factory=lambda: [0])
    """Exit codes that mean that it ran; `grep` ends with 1 when it finds nothing."""
    environment: dict[str, Secret] = Field(default_factory=dict)
    """Variables that the command gets besides `PATH`, `HOME` (a fresh folder) and `LANG`; ours are not handed on."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.command) == (self.python is not None):
            raise ValueError(f"{self.name}: needs either command or python")
        used = {name for part in self.command for name in PLACE.findall(part)}
        if self.command and PLACE.search(self.command[0]):
            raise ValueError(f"{self.name}.command: the program itself cannot be a parameter")
        for code in inline_code(self.command):
            if place := PLACE.search(code):
                raise ValueError(
                    f"{self.name}.command: {place[0]} stands in code that an interpreter runs; hand it over as an argument after the code"
                )
        if unknown := sorted(used - set(self.parameters)):
            raise ValueError(
                f"{self.name}.command: names {unknown[0]}, which is no parameter; describe it in parameters"
            )
        for name, parameter in self.parameters.items():
            if not re.fullmatch(
                r"(?!env|file)[a-z]\w{0,63}", name
            ):  # `{{ env.X }}` and `{{ file:X }}` are references
                raise ValueError(
                    f"{self.name}.parameters: {name!r} cannot be used; take small letters, digits, underscores, and neither env nor file first"
                )
            if says_where(name) and not parameter.enum and parameter.type == "string":
                raise ValueError(
                    f"{self.name}.parameters.{name}: says where to reach; list the allowed values in enum"
                )
        return self


class Prerequisite(Section):
    """What must hold before the checks of a set are offered."""

    env: list[str] = Field(default_factory=list)
    """Variables that must be set."""
    command: list[str] = Field(default_factory=list)
    """A command that must end with 0, a list."""


class Toolset(Section):
    """Checks that belong together."""

    enabled: bool = True
    """Whether it is used."""
    description: str = ""
    """What it is about."""
    prerequisites: list[Prerequisite] = Field(default_factory=list)
    """What must hold, else the set is left out and that is said."""
    tags: list[str] = Field(default_factory=list)
    """Words to find it by."""
    tools: list[CheckTool] = Field(default_factory=list)
    """Its checks."""


class McpConfig(Section):
    """How a server is reached."""

    mode: Literal["streamable-http", "stdio"] = "streamable-http"
    """`streamable-http` for a server with an address, `stdio` for a program that is started."""
    url: str = ""
    """Address, for example https://tools.example.com/mcp; plain http only on this machine."""
    headers: dict[str, Secret] = Field(default_factory=dict)
    """Headers that are sent, for example `Authorization`."""
    command: str = ""
    """Program, for `stdio`."""
    args: list[str] = Field(default_factory=list)
    """Its arguments."""
    env: dict[str, Secret] = Field(default_factory=dict)
    """Variables that it gets besides a few harmless ones; ours are not handed on."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.mode == "stdio" and not self.command:
            raise ValueError("command: is missing; stdio needs the program to start")
        if self.mode == "streamable-http" and not re.match(r"https?://", self.url):
            raise ValueError("url: is missing or no http(s) address")
        return self


class McpServer(Section):
    """A server that speaks the Model Context Protocol."""

    enabled: bool = True
    """Whether it is used."""
    description: str = ""
    """What it is about; models read it before each of its tools."""
    config: McpConfig
    """How it is reached."""
    tools: list[str] = Field(default_factory=list)
    """Names of its tools that may be used; none else is, whatever the server says of them."""
    describe: dict[str, str] = Field(default_factory=dict)
    """By tool: what it answers, in your words; its name where there are none. What the server says of it is shown to no model."""
    fixed: dict[str, dict[str, str]] = Field(default_factory=dict)
    """By tool: arguments that are always these, and that no model sees; one that says where to reach must be fixed."""
    role: Role = "responder"
    """Who may use it."""
    timeout_seconds: float = Field(default=20.0, gt=0, le=300)
    """Longest wait for one answer."""

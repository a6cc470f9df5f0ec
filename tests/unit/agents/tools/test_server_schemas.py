"""Schemas of other servers: an argument that says where to reach, however deep, is the operator's."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from sre_copilot.agents.toolkit.mcp_tool import clean_schema, server_tools
from sre_copilot.perception.mcp_tools import McpClient, McpTool
from sre_copilot.settings.tools import McpServer

TEXT = {"type": "string"}
INNER = {"type": "object", "properties": {"baseUrl": TEXT}}


class Listing(McpClient):
    """A server that lists one tool."""

    def __init__(self, properties: dict[str, Any], fixed: Any, **more: Any) -> None:
        config = {"mode": "stdio", "command": "none"}
        super().__init__(
            "web",
            McpServer.model_validate({"config": config, "tools": ["fetch"], "fixed": {"fetch": fixed}}),
        )
        self._schema = {"type": "object", "properties": properties, **more}

    def tools(self) -> tuple[McpTool, ...]:
        return (McpTool(name="fetch", description="", schema=self._schema),)


def refused(properties: dict[str, Any], fixed: dict[str, str] | None = None, *, defs: Any = None) -> str:
    return server_tools([Listing(properties, fixed or {}, **{"$defs": defs or {}})])[1].get("web.fetch", "")


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"targetHost": TEXT}, "targetHost"),
        ({"options": INNER}, "options.baseUrl"),
        ({"options": {"type": "array", "items": INNER}}, "options.baseUrl"),
        ({"options": {"anyOf": [INNER, {"type": "null"}]}}, "options.baseUrl"),
        ({"options": {"oneOf": [TEXT, INNER]}}, "options.baseUrl"),
        ({"options": {"allOf": [{"type": "object"}, INNER]}}, "options.baseUrl"),
        ({"options": {"$ref": "#/$defs/Inner"}}, "options.baseUrl"),
        ({"options": {"anyOf": [{"$ref": "#/$defs/Inner"}, {"type": "null"}]}}, "options.baseUrl"),
        ({"what": {**TEXT, "format": "uri"}}, "what"),
        ({"what": {"anyOf": [{**TEXT, "format": "hostname"}, {"type": "null"}]}}, "what"),
        ({"what": {"type": "array", "items": {**TEXT, "format": "ipv4"}}}, "what"),
        ({"what": {"type": "object"}}, "what"),
        ({"what": {"type": "object", "additionalProperties": TEXT}}, "what"),
        ({"what": {"type": ["object", "null"], "properties": {"a": TEXT}, "additionalProperties": True}}, "what"),
        ({"what": {"$ref": "https://example.com/schema"}}, "what"),
    ],
)  # fmt: skip
def test_what_says_where_to_reach_or_may_say_anything_leaves_the_tool_out(
    properties: dict[str, Any], named: str
) -> None:
    said = refused({"text": TEXT, **properties}, defs={"Inner": INNER})
    assert said.startswith(f"its argument {named} ")
    assert "mcp_servers.web.fixed.fetch" in said


def test_a_schema_that_refers_to_itself_is_read_to_an_end() -> None:
    node = {"type": "object", "properties": {"name": TEXT, "next": {"$ref": "#/$defs/Node"}}}
    assert refused({"first": {"$ref": "#/$defs/Node"}}, defs={"Node": node}) == ""
    loop = {"$ref": "#/$defs/Loop"}
    assert refused({"first": loop}, defs={"Loop": loop}) != ""


def test_a_schema_of_many_parts_that_refer_to_each_other_is_read_at_once() -> None:
    names = [f"Node{number}" for number in range(30)]
    choice = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in names]}
    defs = {
        name: {"type": "object", "properties": {"left": dict(choice), "right": dict(choice)}}
        for name in names
    }
    assert refused({"first": choice}, defs=defs) == ""


def test_what_the_operator_fixed_is_allowed_and_other_arguments_are() -> None:
    properties = {
        "targetHost": TEXT,
        "text": {"anyOf": [TEXT, {"type": "null"}]},
        "limit": {"type": "integer"},
    }
    assert refused(properties, {"targetHost": "tickets.example.com"}) == ""


def test_what_a_schema_does_not_name_cannot_be_given() -> None:
    schema = clean_schema(
        {
            "type": "object",
            "properties": {
                "options": {"type": "object", "properties": {"limit": {"type": "integer"}}},
                "anything": {},
                "list": {"type": "array"},
                "perhaps": {"anyOf": [TEXT, {"type": "null"}]},
            },
        }
    )
    jsonschema.validate({"options": {"limit": 3}, "anything": "a", "list": [1], "perhaps": None}, schema)
    for wrong in (
        {"options": {"baseUrl": "http://192.0.2.1"}},
        {"anything": {"baseUrl": "x"}},
        {"list": [{"baseUrl": "x"}]},
        {"perhaps": {"baseUrl": "x"}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)

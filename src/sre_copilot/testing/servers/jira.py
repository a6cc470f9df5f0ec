"""A stand-in for Jira's REST API, version 2: projects, issues with labels, comments, and transitions that lead from state to state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from sre_copilot.testing.servers.json_server import Request, Response, serving

WAYS: Mapping[str, tuple[str, ...]] = {
    "To Do": ("In Progress", "Done"),
    "In Progress": ("To Do", "Done"),
    "Done": ("To Do",),
}
LABEL = re.compile(r'^project = "(\w+)" AND labels = "([^"]+)"$')


@dataclass
class JiraServer:
    """Where it listens, and its issues by key; `token` is the bearer that is let in ('' lets everyone in)."""

    url: str = ""
    token: str = ""
    project: str = "OPS"
    issues: dict[str, dict[str, Any]] = field(default_factory=dict)

    def issue(self, summary: str, *labels: str, description: str = "") -> str:
        """Add one."""
        key = f"{self.project}-{len(self.issues) + 1}"
        self.issues[key] = {"summary": summary, "description": description, "labels": list(labels), "status": "To Do", "comments": []}  # fmt: skip
        return key

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return Response({"errorMessages": ["You are not authenticated."]}, 401)
        parts = request.path.removeprefix("/rest/api/2/").split("/")
        if parts[0] == "project":
            return Response({"key": parts[1]}) if parts[1] == self.project else _missing()
        if parts[0] == "search":
            return self._search(request)
        if parts == ["issue"]:
            return self._create(orjson.loads(request.body)["fields"])
        return self._of_issue(parts, request)

    def _search(self, request: Request) -> Response:
        asked = LABEL.match(request.query.get("jql", ""))
        if not asked:
            return Response({"errorMessages": ["Error in the JQL Query."]}, 400)
        found = [key for key, issue in self.issues.items() if asked[2] in issue["labels"]]
        return Response({"issues": [{"key": key} for key in found if asked[1] == self.project]})

    def _create(self, fields: Mapping[str, Any]) -> Response:
        if fields["project"]["key"] != self.project or " " in "".join(fields["labels"]):
            return Response({"errors": {"project": "valid project is required"}}, 400)
        key = self.issue(fields["summary"], *fields["labels"], description=fields["description"])
        return Response({"key": key}, 201)

    def _of_issue(self, parts: list[str], request: Request) -> Response:
        issue = self.issues.get(parts[1]) if parts[0] == "issue" else None
        if issue is None:
            return _missing()
        if parts[2:] == ["comment"]:
            return self._comments(issue, request)
        if parts[2:] == ["transitions"]:
            return self._transitions(issue, request)
        return Response({"key": parts[1], "fields": {"status": {"name": issue["status"]}}})

    def _comments(self, issue: dict[str, Any], request: Request) -> Response:
        if request.method == "POST":
            issue["comments"].append(orjson.loads(request.body)["body"])
            return Response({"id": str(len(issue["comments"]))}, 201)
        newest = issue["comments"][::-1][: int(request.query.get("maxResults", "50"))]
        return Response({"comments": [{"body": body} for body in newest], "total": len(issue["comments"])})

    def _transitions(self, issue: dict[str, Any], request: Request) -> Response:
        ways = {str(place): state for place, state in enumerate(WAYS[issue["status"]], start=1)}
        if request.method == "GET":
            return Response(
                {
                    "transitions": [
                        {"id": id, "name": f"To {state}", "to": {"name": state}} for id, state in ways.items()
                    ]
                }
            )
        wanted = orjson.loads(request.body)["transition"]["id"]
        if wanted not in ways:
            return Response({"errorMessages": ["It is not on the appropriate screen."]}, 400)
        issue["status"] = ways[wanted]
        return Response(status=204, text="")


@contextmanager
def jira(*, token: str = "") -> Iterator[JiraServer]:
    """Run one with one project while the context is open."""
    server = JiraServer(token=token)
    with serving(server.answer) as url:
        server.url = url
        yield server


def _missing() -> Response:
    return Response({"errorMessages": ["It does not exist or you do not have permission to see it."]}, 404)

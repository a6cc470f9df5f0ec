"""Payloads of webhooks as changes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.errors import UsageError
from sre_copilot.perception.change_fields import BadPayloadError
from sre_copilot.perception.changes import parse_change

TS = 1_767_225_600.0
AT = "2026-01-01T00:00:00Z"


def test_our_own_form_needs_a_service_and_a_text() -> None:
    (change,) = parse_change({"service": "cart", "text": "flag new-basket on"}, received=TS)
    assert (change.ts, change.service, change.kind, change.text) == (
        TS,
        "cart",
        "change",
        "flag new-basket on",
    )


def test_further_fields_are_details_and_several_changes_come_at_once() -> None:
    body = {
        "changes": [
            {"service": "a", "text": "x", "ts": AT, "by": "me"},
            {"service": "b", "text": "y", "ts": TS * 1000},
        ]
    }
    first, second = parse_change(json.dumps(body).encode())
    assert (first.ts, first.detail) == (TS, {"by": "me"})
    assert (second.service, second.ts) == ("b", TS)


def test_a_cloud_event_is_read_structured_and_binary() -> None:
    data = {"service": "cart", "text": "v2"}
    head = {"type": "org.example.deployed", "source": "/ci", "id": "1", "time": AT}
    (structured,) = parse_change({"specversion": "1.0", "data": data} | head)
    (binary,) = parse_change(
        data, {"CE-SpecVersion": "1.0"} | {f"Ce-{key}": value for key, value in head.items()}
    )
    assert structured == binary
    assert (structured.ts, structured.service, structured.kind) == (TS, "cart", "org.example.deployed")


def test_a_cloud_event_without_our_fields_is_of_its_subject() -> None:
    event = {
        "specversion": "1.0",
        "type": "dev.cdevents.service.deployed.0.1.1",
        "source": "/ci",
        "subject": "/apps/cart",
        "time": AT,
    }
    (change,) = parse_change(event)
    assert (change.service, change.ts) == ("cart", TS)


DEPLOYMENT = {
    "ref": "main",
    "sha": "abc",
    "environment": "prod",
    "created_at": AT,
    "creator": {"login": "me"},
}
REPOSITORY = {"name": "cart", "pushed_at": TS}


def test_github_tells_a_deployment_when_it_has_ended() -> None:
    head = {"X-GitHub-Event": "deployment_status"}
    body: dict[str, Any] = {"repository": REPOSITORY, "deployment": DEPLOYMENT}
    assert parse_change(body | {"deployment_status": {"state": "pending", "created_at": AT}}, head) == ()
    (change,) = parse_change(body | {"deployment_status": {"state": "success", "created_at": AT}}, head)
    assert (change.service, change.kind, change.text) == ("cart", "deployment", "main to prod: success")
    assert change.detail["sha"] == "abc"


def test_github_tells_a_push_once_with_what_it_touched() -> None:
    commits = [{"added": ["a"], "modified": [], "removed": []}, {"modified": ["b"]}]
    body = {
        "ref": "refs/heads/main",
        "after": "abc",
        "repository": REPOSITORY,
        "commits": commits,
        "head_commit": {"message": "Title\n\nBody"},
    }
    (change,) = parse_change(body, {"x-github-event": "push"})
    assert (change.ts, change.kind, change.text) == (TS, "commit", "2 commits to main: Title")
    assert change.detail["paths"] == "a, b"
    assert parse_change(body | {"deleted": True}, {"x-github-event": "push"}) == ()
    assert parse_change({"zen": "words"}, {"x-github-event": "ping"}) == ()


def test_gitlab_tells_pushes_tags_and_deployments() -> None:
    project = {"project": {"name": "cart"}}
    tag = {"object_kind": "tag_push", "ref": "refs/tags/v2", "after": "abc", "commits": []} | project
    (release,) = parse_change(tag, received=TS)
    assert (release.kind, release.text) == ("release", "tag v2")
    ended = {
        "object_kind": "deployment",
        "status": "success",
        "status_changed_at": "2026-01-01 08:00:00 +0800",
        "environment": "prod",
        "ref": "main",
    }
    (deployment,) = parse_change(ended | project)
    assert (deployment.ts, deployment.text) == (TS, "main to prod: success")
    assert parse_change(ended | project | {"status": "running"}) == ()


def test_argo_cd_tells_an_operation_when_it_has_ended() -> None:
    operation = {"phase": "Succeeded", "finishedAt": AT, "syncResult": {"revision": "0123456789abcdef"}}
    application = {
        "metadata": {"name": "cart"},
        "status": {"operationState": operation, "health": {"status": "Healthy"}},
    }
    (change,) = parse_change({"app": application})
    assert (change.ts, change.service, change.text) == (TS, "cart", "synchronised to 0123456789ab: Succeeded")
    operation.pop("finishedAt")
    assert parse_change(application) == ()


def test_flux_tells_what_it_applied() -> None:
    event = {"involvedObject": {"kind": "Kustomization", "name": "cart", "namespace": "flux"}, "severity": "info", "timestamp": AT,
             "message": "Reconciliation finished", "reason": "Succeeded", "metadata": {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:abc"}}  # fmt: skip
    (change,) = parse_change(event)
    assert (change.service, change.detail["revision"]) == ("cart", "main@sha1:abc")


@pytest.mark.parametrize(
    ("payload", "headers", "field"),
    [
        (b"<html>", {}, "body"),
        ("[1]", {}, "[0]"),
        ({"text": "x"}, {}, "service"),
        ({"service": "a", "text": 3}, {}, "text"),
        ({"service": "a", "text": "x", "ts": "yesterday"}, {}, "ts"),
        ({"service": "a", "text": "x", "ts": "2026-01-01T00:00:00"}, {}, "ts"),
        ({"service": "a", "text": "x", "detail": []}, {}, "detail"),
        ({"repository": {}}, {"x-github-event": "deployment"}, "deployment"),
        ({"object_kind": "push"}, {}, "project"),
        ({"changes": [{"service": "a", "text": "x"}] * 1001}, {}, "changes"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(payload: object, headers: dict[str, str], field: str) -> None:
    with pytest.raises(BadPayloadError) as caught:
        parse_change(payload, headers)
    assert caught.value.field == field


WORDS = st.sampled_from(["service", "text", "ts", "kind", "detail", "status", "app", "project", "repository", "ref", "commits", "specversion",
                         "type", "source", "involvedObject", "reason", "object_kind", "push", "deployment", "operationState", "metadata"])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=12,
)


@given(
    JSON,
    st.sampled_from(
        [{}, {"x-github-event": "push"}, {"x-github-event": "deployment"}, {"x-gitlab-event": "x"}]
    ),
)
def test_any_document_is_read_or_refused_in_words(payload: object, headers: dict[str, str]) -> None:
    try:
        for change in parse_change(payload, headers, received=TS):
            assert change.service
            assert change.ts == change.ts
    except UsageError:
        pass

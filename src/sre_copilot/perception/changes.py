"""What pipelines report of their changes: payloads of webhooks in, changes out.

Read are our own form, CloudEvents, GitHub and GitLab (deployments and pushes), Argo CD and Flux. Nothing is asked of anybody.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from sre_copilot.domain.signals import Change
from sre_copilot.perception.change_fields import (
    BadPayloadError,
    clean,
    detail,
    listed,
    moment,
    optional,
    section,
    text,
)  # fmt: skip

Payload = Mapping[str, Any]
Reader = Callable[[Payload, Mapping[str, str], float], tuple[Change, ...]]

MOST = 1_000  # changes in one payload: more is a mistake, or somebody's attack
_OWN = ("service", "kind", "text", "ts", "detail")
_FINAL = frozenset({"success", "failure", "error", "failed", "canceled", "inactive"})
_BRANCH, _TAG = "refs/heads/", "refs/tags/"
_NOTHING_NEW = frozenset("0")  # the commit that GitHub and GitLab name when a branch was deleted


def parse_change(
    payload: object, headers: Mapping[str, str] | None = None, *, received: float | None = None
) -> tuple[Change, ...]:
    """Read the body of a webhook.

    Parameters
    ----------
    payload : the body as bytes or text, or the JSON document in it
    headers : headers of the request, in any case of letters; some systems tell in them what the body is
    received : when it came (epoch s); the time of a change that names none

    Returns
    -------
    Changes in the order of the payload; none for an event that is no change (a ping, a deployment that still waits).

    Raises
    ------
    BadPayloadError : names the field that is missing or wrong
    """
    found = {name.lower(): value for name, value in (headers or {}).items()}
    now = time.time() if received is None else received
    document = _document(payload)
    if isinstance(document, Mapping) and isinstance(document.get("changes"), list):
        document = document["changes"]
    items = document if isinstance(document, list) else [document]
    if len(items) > MOST:
        raise BadPayloadError("changes", f"holds {len(items)} changes", remedy=f"send at most {MOST} at once")
    read: list[Change] = []
    for number, item in enumerate(items):
        place = f"[{number}]" if isinstance(document, list) else "body"
        each = section(item, place)
        read += _reader(each, found)(each, found, now)
    return tuple(read)


def _document(payload: object) -> object:
    if not isinstance(payload, bytes | bytearray | str):
        return payload
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        raise BadPayloadError("body", "is no JSON", remedy="send Content-Type: application/json") from None


def _reader(item: Payload, headers: Mapping[str, str]) -> Reader:
    """Who wrote this: headers know best, then what only one system's payload has."""
    if "specversion" in item or "ce-specversion" in headers:
        return _cloud_event
    if "x-github-event" in headers:
        return _github
    if "x-gitlab-event" in headers or item.get("object_kind") in ("push", "tag_push", "deployment"):
        return _gitlab
    if "involvedObject" in item and "reason" in item:
        return _flux
    if "operationState" in optional(_application(item).get("status")):
        return _argo
    return _own


def _own(item: Payload, headers: Mapping[str, str], now: float, *, place: str = "") -> tuple[Change, ...]:
    """Our own form: service and text, and if known kind, ts, detail; further fields become details."""
    given = item.get("detail")
    if given is not None and not isinstance(given, Mapping):
        raise BadPayloadError(f"{place}detail", "is no object", remedy="give names and texts")
    more = {name: value for name, value in item.items() if name not in _OWN}
    kind = item.get("kind")
    return (
        Change(
            ts=now if item.get("ts") is None else moment(item["ts"], f"{place}ts"),
            service=text(item.get("service"), f"{place}service"),
            kind="change" if kind is None else text(kind, f"{place}kind"),
            text=text(item.get("text"), f"{place}text"),
            detail=detail({**more, **(given or {})}),
        ),
    )


def _cloud_event(item: Payload, headers: Mapping[str, str], now: float) -> tuple[Change, ...]:
    """CloudEvents 1.0, structured (all in the body) or binary (attributes in headers, data in the body)."""
    if "specversion" in item:
        attributes: Mapping[str, Any] = {key: value for key, value in item.items() if key != "data"}
        data = optional(item.get("data"))
    else:
        attributes = {key[3:]: value for key, value in headers.items() if key.startswith("ce-")}
        data = item
    kind = text(attributes.get("type"), "type")
    subject = attributes.get("subject") or text(attributes.get("source"), "source")
    own = {
        "service": data.get("service") or clean(subject).rstrip("/").rpartition("/")[2],
        "kind": data.get("kind") or kind,
        "text": data.get("text") or data.get("message") or f"{kind} {clean(subject)}",
        "ts": data.get("ts") or attributes.get("time"),
        "detail": {
            **optional(data.get("detail")),
            **{key: attributes.get(key) for key in ("id", "source", "subject")},
        },
    }
    return _own(own, headers, now, place="data.")


def _github(item: Payload, headers: Mapping[str, str], now: float) -> tuple[Change, ...]:
    """GitHub: `deployment`, `deployment_status` once it has ended, `push`."""
    event = headers["x-github-event"]
    repository = section(item.get("repository"), "repository") if event != "ping" else {}
    if event == "push":
        return _github_push(item, repository, now)
    if event not in {"deployment", "deployment_status"}:
        return ()
    deployment = section(item.get("deployment"), "deployment")
    status = (
        section(item.get("deployment_status"), "deployment_status") if event == "deployment_status" else {}
    )
    state = str(status.get("state", "started"))
    if status and state not in _FINAL:
        return ()
    about = status or deployment
    service = optional(deployment.get("payload")).get("service") or repository.get("name")
    environment = clean(deployment.get("environment", ""))
    return (
        Change(
            ts=moment(about.get("created_at"), "deployment.created_at"),
            service=text(service, "repository.name"),
            kind="deployment",
            text=f"{clean(deployment.get('ref', ''))} to {environment}: {state}",
            detail=detail({"environment": environment, "sha": deployment.get("sha"), "state": state,
                           "by": optional(deployment.get("creator")).get("login"), "url": deployment.get("url")}),
        ),
    )  # fmt: skip


def _github_push(item: Payload, repository: Payload, now: float) -> tuple[Change, ...]:
    head = optional(item.get("head_commit"))
    time_of = repository.get("pushed_at") or head.get("timestamp")
    return _push(
        item,
        service=text(repository.get("name"), "repository.name"),
        ts=now if time_of is None else moment(time_of, "repository.pushed_at"),
        title=str(head.get("message", "")),
        by=optional(item.get("pusher")).get("name"),
    )


def _push(item: Payload, *, service: str, ts: float, title: str, by: object) -> tuple[Change, ...]:
    """One change for all that was pushed at once; nothing for a branch that was deleted."""
    after, ref = str(item.get("after", "")), text(item.get("ref"), "ref")
    if item.get("deleted") or set(after) == _NOTHING_NEW:
        return ()
    commits = [each for each in listed(item.get("commits")) if isinstance(each, Mapping)]
    touched = sorted(
        {str(p) for c in commits for k in ("added", "modified", "removed") for p in listed(c.get(k))}
    )
    name = ref.removeprefix(_BRANCH).removeprefix(_TAG)
    first = clean((title.splitlines() or [""])[0])
    said = f"tag {name}" if ref.startswith(_TAG) else f"{len(commits)} commits to {name}"
    known = {
        "ref": ref,
        "sha": after,
        "by": by,
        "paths": ", ".join(touched[:20]),
        "paths_changed": len(touched),
    }
    kind = "release" if ref.startswith(_TAG) else "commit"
    return (Change(ts, service, kind, f"{said}: {first}" if first else said, detail(known)),)


def _gitlab(item: Payload, headers: Mapping[str, str], now: float) -> tuple[Change, ...]:
    """GitLab: push, tag push, and deployment hooks once they have ended."""
    project = section(item.get("project"), "project")
    service = text(project.get("name"), "project.name")
    if item.get("object_kind") in ("push", "tag_push"):
        commits = [each for each in listed(item.get("commits")) if isinstance(each, Mapping)]
        last = commits[-1] if commits else {}
        return _push(
            item, service=service, ts=now, title=str(last.get("title", "")), by=item.get("user_username")
        )
    if item.get("object_kind") != "deployment" or str(item.get("status")) not in _FINAL:
        return ()
    environment = clean(item.get("environment", ""))
    known = {"environment": environment, "sha": item.get("short_sha"), "state": item.get("status"),
             "by": optional(item.get("user")).get("username"), "url": item.get("deployable_url")}  # fmt: skip
    return (
        Change(
            ts=moment(item.get("status_changed_at"), "status_changed_at"),
            service=service,
            kind="deployment",
            text=f"{clean(item.get('ref') or item.get('short_sha', ''))} to {environment}: {item.get('status')}",
            detail=detail(known),
        ),
    )


def _application(item: Payload) -> Payload:
    """The Application of an Argo CD notification, alone or below `app`."""
    return optional(item.get("app")) or optional(item.get("application")) or item


def _argo(item: Payload, headers: Mapping[str, str], now: float) -> tuple[Change, ...]:
    """Argo CD: an Application whose operation has ended."""
    application = _application(item)
    status = section(application.get("status"), "status")
    operation = section(status.get("operationState"), "status.operationState")
    ended = operation.get("finishedAt")
    if ended is None:
        return ()
    result, phase = optional(operation.get("syncResult")), clean(operation.get("phase", ""))
    version = clean(result.get("revision") or optional(status.get("sync")).get("revision") or "")
    known = {"revision": version, "phase": phase, "message": operation.get("message"),
             "images": ", ".join(map(str, listed(optional(status.get("summary")).get("images")))),
             "health": optional(status.get("health")).get("status")}  # fmt: skip
    return (
        Change(
            ts=moment(ended, "status.operationState.finishedAt"),
            service=text(optional(application.get("metadata")).get("name"), "metadata.name"),
            kind="deployment",
            text=f"synchronised to {version[:12] or 'its source'}: {phase}",
            detail=detail(known),
        ),
    )


def _flux(item: Payload, headers: Mapping[str, str], now: float) -> tuple[Change, ...]:
    """Flux: an event of its notification controller about something that it applied."""
    about = section(item.get("involvedObject"), "involvedObject")
    notes = optional(item.get("metadata"))
    version = next(
        (clean(value) for key, value in sorted(notes.items()) if key.rpartition("/")[2] == "revision"), ""
    )
    known = {"revision": version, "reason": item.get("reason"), "object": f"{about.get('kind')}/{about.get('name')}",
             "namespace": about.get("namespace"), "severity": item.get("severity")}  # fmt: skip
    return (
        Change(
            ts=moment(item.get("timestamp"), "timestamp"),
            service=text(about.get("name"), "involvedObject.name"),
            kind="deployment",
            text=text(item.get("message"), "message"),
            detail=detail(known),
        ),
    )

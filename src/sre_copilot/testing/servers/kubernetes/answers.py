"""What the API server says when it refuses: `Status` objects, each with the code it is sent with."""

from __future__ import annotations

from sre_copilot.testing.servers.kubernetes.resources import Object, Resource


class RefusedError(Exception):
    """A request is answered with a `Status` that is a failure."""

    def __init__(self, code: int, reason: str, message: str, **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.body: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }
        if details:
            self.body["details"] = details


def _details(resource: Resource, name: str) -> dict[str, object]:
    group: dict[str, object] = {"group": resource.group} if resource.group else {}
    return {"name": name, "kind": resource.plural} | group


def not_found(resource: Resource, name: str) -> RefusedError:
    """404: there is no such object."""
    return RefusedError(
        404, "NotFound", f'{resource.qualified} "{name}" not found', **_details(resource, name)
    )


def no_such_path() -> RefusedError:
    """404: nothing is served there."""
    return RefusedError(404, "NotFound", "the server could not find the requested resource")


def exists(resource: Resource, name: str) -> RefusedError:
    """409: there is one already."""
    message = f'{resource.qualified} "{name}" already exists'
    return RefusedError(409, "AlreadyExists", message, **_details(resource, name))


def conflict(resource: Resource, name: str) -> RefusedError:
    """409: somebody else wrote in between."""
    message = (
        f'Operation cannot be fulfilled on {resource.qualified} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return RefusedError(409, "Conflict", message, **_details(resource, name))


def expired(message: str) -> RefusedError:
    """410: what was asked for is older than what is kept."""
    return RefusedError(410, "Expired", message)


def bad_request(message: str) -> RefusedError:
    """400: the request cannot be understood."""
    return RefusedError(400, "BadRequest", message)


def invalid(resource: Resource, name: str, field: str, message: str) -> RefusedError:
    """422: an object that must not be stored."""
    text = f'{resource.kind}{"." + resource.group if resource.group else ""} "{name}" is invalid: {field}: {message}'
    causes = [{"reason": "FieldValueInvalid", "message": message, "field": field}]
    return RefusedError(422, "Invalid", text, **_details(resource, name), causes=causes)


def forbidden(resource: Resource, name: str, why: str) -> RefusedError:
    """403: not allowed."""
    whose = f'"{name}" ' if name else ""
    message = f"{resource.qualified} {whose}is forbidden: {why}"
    return RefusedError(403, "Forbidden", message, **_details(resource, name))


def success(resource: Resource, name: str, uid: str) -> Object:
    """What a deletion that is done at once is answered with."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": _details(resource, name) | {"uid": uid},
    }

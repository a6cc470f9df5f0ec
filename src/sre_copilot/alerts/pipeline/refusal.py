"""Why a command is not carried out."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - a refusal is no failure
    """`status` as HTTP has it: 404 unknown, 409 not in this state, 412 changed meanwhile, 422 a field is wrong."""

    def __init__(self, status: int, field: str, problem: str) -> None:
        self.status, self.field, self.problem = status, field, problem
        super().__init__(f"{field}: {problem}" if field else problem)

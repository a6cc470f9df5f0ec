from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import ROLES, Section, at_least


class Login(Section):
    user: str = "me"
    """Who."""
    token: Secret | None = None
    """What proves it."""


def test_an_unknown_key_is_an_error_that_names_it() -> None:
    with pytest.raises(ValidationError, match="tokn"):
        Login.model_validate({"tokn": "x"})


def test_a_section_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Login().user = "you"  # type: ignore[misc]


def test_the_text_under_a_key_is_its_meaning() -> None:
    assert Login.model_fields["token"].description == "What proves it."


def test_no_error_repeats_what_was_given() -> None:
    with pytest.raises(ValidationError) as caught:
        Login.model_validate({"token": "hidden-0", "user": ["hidden-1"], "other": "hidden-2"})
    assert "hidden" not in str(caught.value)


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGIN_TOKEN", "hidden")
    for text in ("{{ env.LOGIN_TOKEN }}", "{{env.LOGIN_TOKEN}}", "{{ env:LOGIN_TOKEN }}"):
        login = Login.model_validate({"token": text})
        assert login.token is not None
        assert login.token.get_secret_value() == "hidden"
        assert "hidden" not in f"{login!r} {login} {login.model_dump()} {login.model_dump_json()}"


def test_a_secret_is_read_from_a_file_without_its_last_newline(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hidden\n", encoding="utf-8")
    login = Login.model_validate({"token": f"{{{{ file:{tmp_path / 'token'} }}}}"})
    assert login.token is not None
    assert login.token.get_secret_value() == "hidden"


def test_a_variable_or_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="NO_SUCH_VARIABLE is not set"):
        Login.model_validate({"token": "{{ env.NO_SUCH_VARIABLE }}"})
    with pytest.raises(ValidationError, match="absent cannot be read"):
        Login.model_validate({"token": f"{{{{ file:{tmp_path / 'absent'} }}}}"})


def test_each_role_may_do_what_those_before_it_may() -> None:
    for i, role in enumerate(ROLES):
        assert [at_least(role, needed) for needed in ROLES] == [True] * (i + 1) + [False] * (
            len(ROLES) - i - 1
        )

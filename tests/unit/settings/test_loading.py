"""The configuration is read from YAML and the environment; what is wrong is named with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.errors import SettingsError
from sre_copilot.settings.document import Settings
from sre_copilot.settings.loading import known_keys, load, overrides, read_dotenv


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_keys_that_earlier_agents_used_are_honoured(tmp_path: Path) -> None:
    settings = load(
        written(
            tmp_path,
            """
prometheus: {url: "http://127.0.0.1:9090"}
loki: {url: "http://127.0.0.1:3100"}
anomaly_detection: {threshold: 0.6}
prediction: {horizon_hours: 12}
risk: {auto_remediation_enabled: false, approval_threshold: 0.9}
baseline: {learning_days: 3}
check_interval_seconds: 30
logging: {level: DEBUG}
""",
        )
    )
    assert [entry["type"] for entry in settings.sources] == ["prometheus", "loki"]
    assert settings.anomaly_detection.threshold == 0.6
    assert settings.prediction.horizon_hours == 12
    assert settings.risk.approval_threshold == 0.9
    assert settings.baseline.learning_days == 3
    assert settings.check_interval_seconds == 30
    assert settings.logging.level == "DEBUG"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chek_interval_seconds: 30", "did you mean check_interval_seconds?"),
        ("anomaly_detection: {treshold: 0.6}", "did you mean threshold?"),
        ("horizon_hours: 6", "did you mean prediction.horizon_hours?"),
        ("promethus: {url: x}", "did you mean prometheus?"),
        ("prediction: {horizon_hours: 24}", "prediction.horizon_hours"),
        ("risk: {auto_threshold: 0.9}", "auto_threshold"),
        ("check_interval_seconds: often", "check_interval_seconds"),
        ("check_interval_seconds: 10\ncheck_interval_seconds: 20", "stands twice"),
        ("- a\n- b", "must hold keys"),
        ("a: [", "is no YAML"),
        ('server: {change_webhook_secret: "{{ env.SURELY_NOT_SET }}"}', "SURELY_NOT_SET is not set"),
    ],
)
def test_what_is_wrong_is_named_with_the_way_out(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, text))
    assert said in str(caught.value)
    assert "config.yaml" in str(caught.value)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yaml"):
        load(tmp_path / "nowhere.yaml")


def test_the_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_COPILOT__CHECK_INTERVAL_SECONDS", "15")
    monkeypatch.setenv("SRE_COPILOT__BASELINE__LEARNING_DAYS", "30")
    settings = load(written(tmp_path, "check_interval_seconds: 60\nbaseline: {country: CN}"))
    assert settings.check_interval_seconds == 15
    assert settings.baseline.learning_days == 30
    assert settings.baseline.country == "CN"


def test_overrides_nest_by_two_underscores() -> None:
    assert overrides({"SRE_COPILOT__A__B": "[1, 2]", "OTHER": "x"}) == {"a": {"b": [1, 2]}}


def test_a_secret_comes_from_a_variable_or_a_file_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("from-a-file\n", encoding="utf-8")
    monkeypatch.setenv("A_SECRET", "from-a-variable")
    for text, value in (
        ("{{ env.A_SECRET }}", "from-a-variable"),
        (f"{{{{ file:{tmp_path}/secret }}}}", "from-a-file"),
    ):
        settings = load(written(tmp_path, f'server: {{change_webhook_secret: "{text}"}}'))
        assert settings.server.change_webhook_secret is not None
        assert settings.server.change_webhook_secret.get_secret_value() == value
        assert value not in repr(settings)


def test_dotenv_sets_what_the_environment_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALREADY_THERE", "first")
    monkeypatch.delenv("ONLY_IN_FILE", raising=False)
    file = tmp_path / ".env"
    file.write_text("# a comment\nALREADY_THERE=second\nexport ONLY_IN_FILE='here'\n", encoding="utf-8")
    read_dotenv(file)
    import os

    assert (os.environ["ALREADY_THERE"], os.environ["ONLY_IN_FILE"]) == ("first", "here")
    monkeypatch.delenv("ONLY_IN_FILE")
    file.write_text("no sign here\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="line 1"):
        read_dotenv(file)


def test_every_key_says_what_it_means() -> None:
    for path in known_keys(Settings):
        model = Settings
        for step in path[:-1]:
            model = model.model_fields[step].annotation  # type: ignore[assignment]
        field = model.model_fields[path[-1]]
        nested = hasattr(field.annotation, "model_fields")
        assert nested or field.description, ".".join(path)

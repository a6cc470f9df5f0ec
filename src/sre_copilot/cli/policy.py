"""`sre-copilot policy`: by which rules actions are judged, and whether files of policies do what they should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from sre_copilot.app.rulebook import failure, offered_by, read_policies, rulebook_of
from sre_copilot.cli.alerting_tables import Output, check_form, say, show, table
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.words import counted
from sre_copilot.decision.assess import Rulebook
from sre_copilot.decision.trial import Tried, remarks, try_all
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report import words
from sre_copilot.settings.loading import load

app = typer.Typer(help="By which rules actions are judged; test and check policies.", no_args_is_help=True)

FINDINGS = 1
Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files of policies.")]


@app.command("show")
def show_rules(*, output: Output = "table", config: ConfigFile = None) -> None:
    """Show every rule that is in force: bands, black list, freezes, autonomy, policies.

    Exit code 0; 2: the configuration or a file of policies cannot be used, or fails its own tests.
    """
    check_form(output)
    rules = rulebook_of(load(config))
    if not show(_document(rules), output):
        table(("rule", "meant", "effect"), list(_rows(rules)), nothing="")


@app.command("test")
def run_tests(files: Files, *, explain: Annotated[bool, typer.Option("--explain", help="Also show the parts of each risk, and why.")] = False) -> None:  # fmt: skip
    """Run the tests that stand in files of policies, each file by itself, with the defaults of all settings and autonomy on.

    Exit code 0: all passed; 1: some did not, or a file has none; 2: a file cannot be read.
    """
    failed = 0
    for file in files:
        tried = try_all(read_policies(file))
        for each in tried:
            say(f"{'ok' if each.passed else 'FAILED'} {each.test.name if each.passed else failure(each)}")
            if explain or not each.passed:
                _explain(each)
        wrong = sum(not each.passed for each in tried)
        say(f"{file}: {counted(len(tried), 'test')}, {wrong} failed" + ("" if tried else "; add some"))
        failed += wrong or not tried
    if failed:
        raise typer.Exit(FINDINGS)


@app.command("lint")
def lint(
    files: Files,
    *,
    lang: Annotated[str, typer.Option("--lang", help="en or zh.")] = "en",
    config: ConfigFile = None,
) -> None:
    """Say what is wrong in files of policies, and what is probably not meant: rules that no test meets, or that ask for the same.

    With --config also actions and targets that none of its executors has.

    Exit code 0: nothing; 1: remarks; 2: a file cannot be read, and the message names line, path and the way out.
    """
    language = next((each for each in words.LANGUAGES if each == lang), None)
    if language is None:
        raise UsageError(f"--lang: {lang!r} is none; it is one of {', '.join(words.LANGUAGES)}")
    offered = offered_by(load(config)) if config is not None else None
    found = [
        each for file in files for each in remarks(read_policies(file), offered=offered, place=str(file))
    ]
    for place, message in found:
        say(f"{place}: {words.say(message, language)}")
    if found:
        raise typer.Exit(FINDINGS)
    say("nothing to remark")


def _explain(tried: Tried) -> None:
    risk = tried.risk
    say(f"risk {risk.score:.2f}; rules that fit: {', '.join(tried.fitted) or 'none'}")
    for part in risk.parts:
        say(f"{part.value:.2f} x {part.weight:.2f} {part.name}: {words.say(part.reason, 'en')}")
    for reason in risk.reasons:
        say(f"decided: {words.say(reason, 'en')}")


def _rows(rules: Rulebook) -> Iterator[tuple[str, str, str]]:
    risk, decision = rules.risk, rules.decision
    yield "band", f"risk below {risk.auto_threshold:g}", "auto"
    yield "band", f"risk from {risk.auto_threshold:g} below {risk.approval_threshold:g}", "semi_auto"
    yield "band", f"risk from {risk.approval_threshold:g}", "manual"
    yield "level", "high", "semi_auto"
    yield "level", "critical", "semi_auto, two people"
    yield "data loss", "lasting, in production", "manual"
    yield "diagnosis", f"none, or less than {risk.minimum_confidence:g} certain", "semi_auto"
    for entry in decision.black_list:
        yield "black list", _named(entry.model_dump(exclude_defaults=True, exclude={"because"})), "forbidden"
    for window in decision.freezes:
        times = f"{window.starts_at.isoformat()} to {window.ends_at.isoformat()} {window.rrule}".rstrip()
        meant = _named(window.model_dump(include={"environments", "targets"}, exclude_defaults=True))
        yield f"freeze {window.name}", f"{times}; {meant}", "forbidden" if window.effect == "forbid" else "semi_auto"  # fmt: skip
    switch = "on" if risk.auto_remediation_enabled else "off: a person must agree to everything"
    yield "autonomy", "risk.auto_remediation_enabled", switch
    for each in decision.autonomy.actions:
        yield "autonomy", _named(each.model_dump(include={"action", "environments"})), f"from {each.minimum_cases} cases with {each.minimum_success:g} certain success"  # fmt: skip
    for rule in rules.policies.rules:
        when = _named(rule.when.model_dump(mode="json", exclude_defaults=True))
        yield f"policy {rule.name}", when, " ".join(filter(None, (rule.effect, rule.mode)))


def _named(given: dict[str, Any]) -> str:
    """Conditions in one cell."""
    parts = [
        f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in given.items()
        if value not in ([], {}, None, "")
    ]
    return "; ".join(parts) or "everything"


def _document(rules: Rulebook) -> dict[str, Any]:
    return {
        "risk": rules.risk.model_dump(mode="json"),
        "decision": rules.decision.model_dump(mode="json", exclude={"approval"}),
        "policies": [
            {**rule.model_dump(mode="json", exclude_defaults=True), "place": place}
            for rule, place in zip(rules.policies.rules, rules.policies.places, strict=True)
        ],
    }

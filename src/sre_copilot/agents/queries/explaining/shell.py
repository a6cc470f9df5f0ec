"""A shell script in words: split into commands by a light lexer, never run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from sre_copilot.agents.queries.explaining.commands import COMMANDS, DANGEROUS, describe
from sre_copilot.agents.queries.explaining.explained import Explained, Findings
from sre_copilot.domain.knowledge import Lang

_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1[^\n]*\n.*?^\s*\2\s*$", re.DOTALL | re.MULTILINE)
_BREAKS = frozenset({";", "&&", "||", "|", "&", "(", ")", ";;", "|&", "\n"})
_WORDS = frozenset(
    {"if", "then", "else", "elif", "fi", "do", "done", "while", "until", "esac", "{", "}", "!", "time", "in"}
)
_PREFIXES = frozenset(
    {"sudo", "doas", "env", "nohup", "exec", "command", "time", "nice", "xargs", "timeout", "run"}
)
OPENERS = {"if": "fi", "for": "done", "while": "done", "until": "done", "case": "esac", "{": "}"}


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it stands, and what leads to it."""

    argv: tuple[str, ...]
    piped: bool = False
    privileged: bool = False


def explain(script: str, lang: Lang) -> Explained:
    """A bash script in words."""
    found = Findings(lang)
    try:
        parsed = commands(script)
    except ValueError as error:
        found.problem(f"It cannot be read as a shell script: {error}.", f"无法解析为 shell 脚本：{error}。")
        return found.explained("bash")
    for each in parsed:
        en, zh = describe(each.argv)
        found.say(f"{' '.join(each.argv)[:100]}: {en}.", f"{' '.join(each.argv)[:100]}：{zh}。")
        if each.privileged:
            found.danger(
                "medium",
                f"Runs {each.argv[0]} with privileges (sudo).",
                f"以特权运行 {each.argv[0]}（sudo）。",
            )
        if each.piped and each.argv[0] in ("sh", "bash", "python", "python3", "zsh"):
            found.danger(
                "critical",
                "Runs what it was sent through a pipe, unseen.",
                "直接执行管道传入的内容，未经检查。",
            )
    for level, words, en, zh in DANGEROUS:
        if re.search(words, script, re.MULTILINE):
            found.danger(level, en, zh)
    for name in dict.fromkeys(each.argv[0] for each in parsed):
        if name in COMMANDS and (danger := COMMANDS[name].level) != "none":
            found.danger(danger, f"{name}: {COMMANDS[name].en}.", f"{name}：{COMMANDS[name].zh}。")
    for problem_en, problem_zh in lint(script):
        found.problem(problem_en, problem_zh)
    return found.explained("bash")


def commands(script: str) -> list[Command]:
    """The commands of a script in their order.

    Raises
    ------
    ValueError : for a quotation that does not end
    """
    text = _HEREDOC.sub("\n", script + "\n").replace("\\\n", " ")
    found: list[Command] = []
    for line in _lines(text):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()<>")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words, piped = list[str](), False
        for token in [*lexer, ";"]:
            if token in _BREAKS or set(token) <= set(";&|()"):
                if (command := _command(words, piped=piped)) is not None:
                    found.append(command)
                words, piped = [], token == "|"  # noqa: S105 - a word of a script
            else:
                words.append(token)
    return found


def _lines(text: str) -> list[str]:
    """Lines, those joined that one quotation spans."""
    lines: list[str] = []
    kept = ""
    for line in text.split("\n"):
        kept = f"{kept}\n{line}" if kept else line
        bare = re.sub(
            r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"", "", re.sub(r"(^|\s)#.*$", "", kept, flags=re.MULTILINE)
        )
        if "'" in bare or '"' in bare:
            continue
        lines.append(kept)
        kept = ""
    if kept.strip():
        raise ValueError("a quotation does not end")
    return lines


def _command(words: Sequence[str], *, piped: bool) -> Command | None:
    given = list(words)
    while given and (given[0] in _WORDS or re.fullmatch(r"\w+=.*", given[0], re.DOTALL)):
        given.pop(0)
    if given and given[0] in ("for", "case", "function"):
        return None
    privileged = False
    while given and given[0] in _PREFIXES:
        privileged = privileged or given.pop(0) in ("sudo", "doas")
        while given and (given[0].startswith("-") or re.fullmatch(r"\d+\w?", given[0])):
            given.pop(0)
    return Command(tuple(given), piped, privileged) if given else None


def lint(script: str) -> list[tuple[str, str]]:
    """What is wrong with a script's form: quotations, blocks that do not end, nothing that stops at an error."""
    found: list[tuple[str, str]] = []
    try:
        commands(script)
    except ValueError as error:
        return [(f"It cannot be read: {error}", f"无法解析：{error}")]
    bare = re.sub(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"", "''", _HEREDOC.sub("\n", script + "\n"))
    bare = re.sub(r"(^|\s)#.*$", "", bare, flags=re.MULTILINE)
    tokens = re.findall(
        r"(?:^|(?<=[;&|\n({]))\s*(if|for|while|until|case|fi|done|esac)\b|(?<=\s)(do|then)\b", bare
    )
    counts = {
        word: sum(word in each for each in tokens)
        for word in ("if", "fi", "for", "while", "until", "done", "case", "esac")
    }
    for openers, closer in ((("if",), "fi"), (("for", "while", "until"), "done"), (("case",), "esac")):
        opened = sum(counts[each] for each in openers)
        if opened != counts[closer]:
            found.append(
                (
                    f"{opened} {'/'.join(openers)} and {counts[closer]} {closer}.",
                    f"{opened} 个 {'/'.join(openers)}，但有 {counts[closer]} 个 {closer}。",
                )
            )
    for opening, closing in (("(", ")"), ("{", "}")):
        if opening == "(" and "case" in bare:
            continue
        if bare.count(opening) != bare.count(closing):
            found.append((f"{opening} and {closing} do not match.", f"{opening} 与 {closing} 不匹配。"))
    if script.count("\n") > 3 and not re.search(r"^\s*set\s+-\w*e", script, re.MULTILINE):
        found.append(
            (
                "It goes on after an error; begin with `set -euo pipefail`.",
                "出错后会继续执行；请以 `set -euo pipefail` 开头。",
            )
        )
    return found


def commands_of(text: str) -> bool:
    """Whether a text begins with a command that is known."""
    try:
        found = commands(text)
    except ValueError:
        return False
    return bool(found) and found[0].argv[0] in COMMANDS

"""A Python script in words, from its syntax tree; it is never run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from sre_copilot.agents.queries.explaining.explained import Explained, Findings
from sre_copilot.agents.queries.written import RiskLevel
from sre_copilot.domain.knowledge import Lang

_CALLS: tuple[tuple[str, RiskLevel, str, str], ...] = (
    ("eval", "high", "Runs text as code", "把文本当作代码执行"),
    ("exec", "high", "Runs text as code", "把文本当作代码执行"),
    ("os.system", "high", "Runs a command through a shell", "通过 shell 执行命令"),
    ("os.popen", "high", "Runs a command through a shell", "通过 shell 执行命令"),
    ("subprocess.", "medium", "Runs another program", "执行其他程序"),
    ("os.remove", "medium", "Deletes files", "删除文件"),
    ("os.unlink", "medium", "Deletes files", "删除文件"),
    (".unlink", "medium", "Deletes files", "删除文件"),
    ("shutil.rmtree", "high", "Deletes folders with all that is in them", "递归删除目录"),
    ("os.kill", "high", "Ends processes", "结束进程"),
    ("pickle.load", "high", "Loads objects that can run code", "加载可执行代码的对象"),
    ("requests.", "low", "Speaks over the network", "访问网络"),
    ("httpx.", "low", "Speaks over the network", "访问网络"),
    ("urllib.request.", "low", "Speaks over the network", "访问网络"),
    ("socket.", "medium", "Opens raw network connections", "建立原始网络连接"),
    ("paramiko.", "medium", "Runs something on other machines", "在其他机器上执行命令"),
    (".delete_", "high", "Deletes objects through an API", "通过 API 删除对象"),
    (".patch_", "medium", "Changes objects through an API", "通过 API 修改对象"),
    (".execute", "low", "Sends a statement to a database", "向数据库发送语句"),
    (".write_text", "medium", "Writes files", "写文件"),
)


def explain(code: str, lang: Lang) -> Explained:
    """A Python script in words."""
    found = Findings(lang)
    try:
        tree = ast.parse(code)
        compile(code, "<script>", "exec")
    except (SyntaxError, ValueError) as error:
        found.problem(f"It is no Python: {error}.", f"不是合法的 Python：{error}。")
        return found.explained("python")
    if doc := ast.get_docstring(tree):
        found.say(f"It says of itself: {doc.splitlines()[0]}", f"脚本自述：{doc.splitlines()[0]}")
    imported = sorted({name for node in ast.walk(tree) for name in _imports(node)})
    if imported:
        found.say(f"Uses {', '.join(imported)}.", f"使用 {', '.join(imported)}。")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            said = (ast.get_docstring(node) or "").split("\n")[0]
            found.say(
                f"Defines {node.name}{f': {said}' if said else ''}.",
                f"定义 {node.name}{f'：{said}' if said else ''}。",
            )
    _calls(tree, found)
    return found.explained("python")


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name.split(".")[0] for each in node.names]
    return [node.module.split(".")[0]] if isinstance(node, ast.ImportFrom) and node.module else []


def _calls(tree: ast.AST, found: Findings) -> None:
    for name, node in _named(tree):
        for form, level, en, zh in _CALLS:
            if (
                name == form
                or (form.endswith((".", "_")) and form in f"{name}.")
                or (form.startswith(".") and form in f".{name}")
            ):
                found.say(
                    f"Line {node.lineno}: {en[0].lower()}{en[1:]} ({name}).",
                    f"第 {node.lineno} 行：{zh}（{name}）。",
                )
                found.danger(
                    level, f"{en} ({name}, line {node.lineno}).", f"{zh}（{name}，第 {node.lineno} 行）。"
                )
                break
        if name in ("open", "io.open") and _writes(node):
            found.danger("medium", f"Writes a file (line {node.lineno}).", f"写文件（第 {node.lineno} 行）。")
        if any(
            each.arg == "shell" and isinstance(each.value, ast.Constant) and each.value.value
            for each in node.keywords
        ):
            found.danger(
                "high",
                f"Uses a shell (shell=True, line {node.lineno}).",
                f"使用 shell（shell=True，第 {node.lineno} 行）。",
            )


def _named(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _writes(node: ast.Call) -> bool:
    given = [*node.args[1:2], *(each.value for each in node.keywords if each.arg == "mode")]
    return any(
        isinstance(each, ast.Constant) and any(letter in str(each.value) for letter in "wax+")
        for each in given
    )

"""A real server of the Model Context Protocol over streamable HTTP, and one that takes too long."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from sre_copilot.errors import SourceUnreachable
from sre_copilot.perception.mcp_tools import McpClient
from sre_copilot.settings.tools import McpServer

pytestmark = pytest.mark.integration

SERVER = '''
import sys, time
from mcp.server.mcpserver import MCPServer
server = MCPServer("tickets")

@server.tool()
def search(text: str) -> str:
    """Finds tickets."""
    return f"5 tickets about {text}"

@server.tool()
def slow() -> str:
    """Takes long."""
    time.sleep(30)
    return "late"

if len(sys.argv) > 1:
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
else:
    server.run("stdio")
'''


def test_a_server_with_an_address_is_asked_over_http(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(tmp_path / "server.py"), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        settings = McpServer.model_validate(
            {
                "config": {"url": f"http://127.0.0.1:{port}/mcp", "headers": {"X-Team": "ops"}},
                "tools": ["search"],
            }
        )
        with McpClient("tickets", settings) as client:
            assert [tool.name for tool in client.tools()] == ["search"]
            assert "about orders" in client.call("search", {"text": "orders"}).text
    finally:
        process.kill()
        process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert process.poll() is None, "the server ended"
        time.sleep(0.1)
    raise AssertionError("the server did not start")


def test_a_server_that_takes_too_long_is_given_up_and_asked_anew(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    config = {"mode": "stdio", "command": sys.executable, "args": [str(tmp_path / "server.py")]}
    stdio = McpServer.model_validate({"config": config, "tools": ["slow", "search"], "timeout_seconds": 2.0})
    with McpClient("tickets", stdio) as client:
        began = time.monotonic()
        with pytest.raises(SourceUnreachable):
            client.call("slow", {})
        assert time.monotonic() - began < 25
        assert client.call("search", {"text": "orders"}).text == "5 tickets about orders"

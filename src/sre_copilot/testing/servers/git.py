"""A Git server over HTTP: the real `git http-backend` before a bare repository, which asks for a name and a password.

with git_server(folder, password="…") as server:
    server.url          # http://127.0.0.1:PORT/repository.git
    server.commit({"config/shop.yaml": "pool: 10\\n"}, "Begin")
    server.read("config/shop.yaml")
"""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

BRANCH = "main"
IDENTITY = {
    f"GIT_{role}_{part}": "contract" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
}


@dataclass
class GitServer:
    """Where it listens, and what its repository holds, read without it."""

    path: Path
    """The bare repository itself."""
    url: str = ""

    def run(self, *words: str, given: bytes = b"") -> str:
        """Run git on the repository."""
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_DIR": str(self.path),
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }
        ran = subprocess.run(["git", *words], input=given, env=environment | IDENTITY, capture_output=True, check=True)  # noqa: S603, S607  # fmt: skip
        return ran.stdout.decode()

    def commit(self, files: Mapping[str, str], title: str) -> str:
        """Put a commit with these files on the branch."""
        head = self.head()
        self.run("read-tree", *([head] if head else ["--empty"]))
        for path, text in files.items():
            blob = self.run("hash-object", "-w", "--stdin", given=text.encode()).strip()
            self.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        tree = self.run("write-tree").strip()
        made = self.run("commit-tree", tree, *(["-p", head] if head else []), "-m", title).strip()
        self.run("update-ref", f"refs/heads/{BRANCH}", made)
        return made

    def head(self) -> str:
        """The newest commit; '' when there is none."""
        return self.run("for-each-ref", "--format=%(objectname)", f"refs/heads/{BRANCH}").strip()

    def read(self, path: str) -> str:
        """What a file holds."""
        return self.run("show", f"{BRANCH}:{path}")

    def titles(self) -> list[str]:
        """Titles of the commits, the newest first."""
        return self.run("log", "--format=%s", BRANCH).splitlines()


@contextmanager
def git_server(folder: Path, *, password: str = "") -> Iterator[GitServer]:
    """Run one with an empty repository while the context is open."""
    server = GitServer(folder / "repository.git")
    folder.mkdir(parents=True, exist_ok=True)
    server.run("init", "--quiet", "--bare", f"--initial-branch={BRANCH}", str(server.path))
    server.run("config", "http.receivepack", "true")
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(folder, password))
    listening.daemon_threads = True
    server.url = f"http://127.0.0.1:{listening.server_address[1]}/{server.path.name}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(5)


def _handler(folder: Path, password: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            body = self._body()
            login = base64.b64encode(f"git:{password}".encode()).decode()
            if password and self.headers.get("authorization") != f"Basic {login}":
                return self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
            ran = subprocess.run(["git", "http-backend"], input=body, env=self._environment(len(body)), capture_output=True, check=False)  # noqa: S607  # fmt: skip
            head, _, content = ran.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
            return self._send(int(headers.pop("Status", "200").split()[0]), headers, content)

        do_GET = do_POST = _answer  # noqa: N815 - names of the base class

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding", "") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            whole = b""
            while size := int(self.rfile.readline(), 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole

        def _environment(self, length: int) -> dict[str, str]:
            parts = urlsplit(self.path)
            found = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": parts.path,
                "QUERY_STRING": parts.query,
                "CONTENT_TYPE": self.headers.get("content-type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
                "REMOTE_USER": "git",
                "CONTENT_LENGTH": str(length),
            }
            protocol = self.headers.get("git-protocol")
            return found | ({"GIT_PROTOCOL": protocol} if protocol else {})

        def _send(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler

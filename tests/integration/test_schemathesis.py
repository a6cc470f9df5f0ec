"""Invented requests at everything that `/openapi.json` describes, at a real server: no server error, and no answer that is not described."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.schemathesis_seeds import Known, config, seeded, texts

from sre_copilot.testing.serving import Serving, serving, write_config

pytestmark = pytest.mark.integration
SECONDS = int(os.environ.get("SRE_COPILOT_FUZZ_SECONDS", "60"))
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance"
)
ENDLESS = "/updates$|/stream/"  # they answer until whoever asks goes away; tests of their own read them
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")


def test_no_invented_request_meets_a_server_error_or_an_answer_that_is_not_described(tmp_path: Path) -> None:
    write_config(tmp_path, **config(tmp_path))
    with serving(tmp_path) as server:
        known = seeded(server)
        found = _fuzzed(server, tmp_path, known)
    print(found.stdout[found.stdout.find("= SUMMARY =") :])
    said = found.stdout[found.stdout.find("= FAILURES =") :]
    assert found.returncode == 0, said[-20_000:] or found.stderr
    assert "No operations" not in found.stdout


def _fuzzed(server: Serving, folder: Path, known: Known) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json",
        "--header", f"Authorization: Bearer {server.token}",
        "--checks", CHECKS, "--phases", "coverage,fuzzing,stateful", "--max-time", str(SECONDS), "--max-examples", str(max(30, SECONDS // 10)),
        "--request-timeout", "30", "--exclude-path-regex", ENDLESS, "--generation-database", "none",
        "--continue-on-failure", "--no-color", "--no-shrink",
    ]  # fmt: skip
    env = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": str(HOOKS),
        "SRE_COPILOT_FUZZ_KNOWN": json.dumps(known),
        "SRE_COPILOT_FUZZ_TEXTS": json.dumps(texts()),
        "COLUMNS": "160",
    }
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS + 240, check=False
    )

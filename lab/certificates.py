"""Certificates made by the `openssl` command: an authority, and server certificates with any end of validity."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

_CONFIG = """[ca]
default_ca = shop
[shop]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {folder}/authority.pem
private_key = {folder}/authority.key
default_md = sha256
policy = names
x509_extensions = server
[names]
commonName = supplied
[server]
subjectAltName = DNS:localhost,IP:127.0.0.1
basicConstraints = CA:FALSE
[req]
distinguished_name = subject
x509_extensions = authority
[subject]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
"""
LIFE_S = 90 * 86_400  # of a certificate, as most authorities grant
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def create_authority(folder: Path) -> None:
    """Make the shop's own certificate authority in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "openssl.cnf").write_text(_CONFIG.format(folder=folder), encoding="utf-8")
    (folder / "index.txt").touch()
    (folder / "index.txt.attr").write_text("unique_subject = no\n", encoding="utf-8")
    (folder / "serial").write_text("1000\n", encoding="utf-8")
    _openssl(
        folder,
        *("req", "-x509", *_NEW_KEY, "-days", "30"),
        *("-subj", "/CN=shop authority", "-keyout", "authority.key", "-out", "authority.pem"),
    )


def issue(folder: Path, name: str, *, valid_until: float) -> None:
    """Issue (or issue anew) the certificate of a service, valid until an epoch second."""
    if not (folder / f"{name}.key").exists():
        _openssl(
            folder,
            *("req", "-new", *_NEW_KEY),
            *("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
    _openssl(
        folder,
        *("ca", "-batch", "-notext", "-in", f"{name}.csr", "-out", f"{name}.new"),
        *(
            "-startdate",
            "20200101000000Z",
            "-enddate",
            f"{datetime.fromtimestamp(valid_until, UTC):%Y%m%d%H%M%SZ}",
        ),
    )
    (folder / f"{name}.new").replace(folder / f"{name}.pem")


def valid_until(certificate: Path) -> float:
    """When a certificate expires, in epoch seconds."""
    command = ["openssl", "x509", "-noout", "-enddate", "-in", str(certificate)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(ssl.cert_time_to_seconds(text.strip().partition("=")[2]))


def _openssl(folder: Path, command: str, *arguments: str) -> None:
    line = ["openssl", command, "-config", "openssl.cnf", *arguments]
    done = subprocess.run(line, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"openssl {command} failed: {done.stderr.strip()}")

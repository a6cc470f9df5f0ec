"""What the transports share of reaching a broker: TLS, credentials, errors without secrets, a missing extra."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from sre_copilot.errors import BusError, SettingsError
from sre_copilot.settings.bus import BusSettings
from sre_copilot.telemetry import HIDDEN, SHORTEST_SECRET, clean


def tls_context(settings: BusSettings) -> ssl.SSLContext | None:
    """How the connection is encrypted; None when it is not."""
    if not settings.tls and not settings.url.startswith(("tls://", "rediss://")):
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"bus.ca_file ({settings.ca_file}): cannot be used: {type(error).__name__}. Give certificates in PEM."
        ) from None


def password_of(settings: BusSettings) -> str:
    """The password in clear; '' where there is none."""
    return settings.password.get_secret_value() if settings.password else ""


def said(error: BaseException, settings: BusSettings) -> str:
    """What a client says went wrong, without the password."""
    text = clean(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    password = password_of(settings)
    return text.replace(password, HIDDEN) if len(password) >= SHORTEST_SECRET else text


@contextmanager
def telling(settings: BusSettings, *kinds: type[Exception]) -> Iterator[None]:
    """Turn a client's errors into `BusError` that names the broker and the way out."""
    caught: tuple[type[Exception], ...] = (OSError, TimeoutError, *kinds)
    try:
        yield
    except caught as error:
        raise BusError(
            f"bus.url ({settings.url}): {said(error, settings)}. Check that the broker runs, address, user and rights."
        ) from None


def missing_extra(transport: str, error: ImportError) -> SettingsError:
    """What to install for a transport whose client is not there."""
    return SettingsError(
        f"bus.transport {transport}: the library {error.name} is missing. Install sre-copilot[{transport}]."
    )

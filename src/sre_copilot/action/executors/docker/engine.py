"""Speaking to the engine: each refusal with what it means for an effect, and containers as what runs or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import left, one_line, refused
from sre_copilot.action.executors.docker.settings import DockerExecutorSettings
from sre_copilot.action.executors.lifecycle import Ages, Life, Phase
from sre_copilot.domain.plan import Target

MARGIN_S = 2.0  # that an answer may take beside the time that the container has to end
PHASES: Mapping[str, Phase] = {
    "running": "up", "paused": "up", "restarting": "coming", "stopping": "going", "removing": "going",
    "created": "stopped", "configured": "stopped", "initialized": "stopped", "exited": "stopped", "stopped": "stopped",
}  # fmt: skip
"""`dead` is `down`. The engine does not tell a container that was stopped from one that ended: both are `exited`."""


class Engine:
    """One engine; as a manager of lives, a container is one."""

    def __init__(self, settings: DockerExecutorSettings) -> None:
        self.name, self.steady_s = settings.name, settings.steady_seconds
        self._settings, self._ages = settings, Ages()

    def inspect(self, name: str, call: Call | None) -> dict[str, Any] | None:
        """A container as the engine describes it; refused where the engine calls it otherwise, for it takes ids and beginnings of ids too."""
        found = self._ask(lambda client: client.inspect_container(name), call, changes=False)
        if not isinstance(found, dict):
            return None
        if (known := str(found.get("Name", "")).removeprefix("/")) != name:
            raise refused(self.name, f"target.name: {name} is the container {known or '(without a name)'}; write its name")  # fmt: skip
        return found

    def update(self, name: str, call: Call, **limits: int) -> None:
        """Change limits of a container."""
        if self._ask(lambda client: client.update_container(name, **limits), call, changes=True) is None:
            raise ActionError(
                f"{self.name}: container {name} has gone, or this engine changes no limits of what runs",
                effect="none",
            )

    def lives(self, target: Target, call: Call | None) -> Sequence[Life]:
        """The container; which run it is is told by its id and the moment of its start."""
        found = self.inspect(target.name, call)
        if found is None:
            return []
        state = found["State"]
        phase = PHASES.get(str(state.get("Status", "")), "down")
        run = f"{found['Id'][:12]}@{state.get('StartedAt', '')}" if phase in {"up", "coming"} else ""
        said = f"{state.get('Status', '')} ({state.get('ExitCode', 0)})" if not run else str(state["Status"])
        age_s = self._ages.age_s(target.key, f"{phase} {run}")
        return [Life(name=target.name, state=said, phase=phase, run=run, age_s=age_s)]

    def start(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """Start it."""
        self._change(target, call, lambda client, _: client.start(target.name))

    def stop(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """Stop it, and wait until it has ended."""
        self._change(target, call, lambda client, grace: client.stop(target.name, timeout=grace))

    def restart(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """Stop and start it, which the engine goes through with whatever becomes of us."""
        self._change(target, call, lambda client, grace: client.restart(target.name, timeout=grace))

    def _change(self, target: Target, call: Call, act: Callable[[Any, int], Any]) -> None:
        seconds = left(call, self.name, most=self._settings.action_timeout_seconds)
        grace = max(0, min(self._settings.stop_seconds, int(seconds - MARGIN_S)))
        if self._ask(lambda client: act(client, grace) or True, call, changes=True, seconds=seconds) is None:
            raise ActionError(f"{self.name}: container {target.name} has gone meanwhile", effect="none")

    def _ask(
        self, ask: Callable[[Any], Any], call: Call | None, *, changes: bool, seconds: float | None = None
    ) -> Any:
        """What the engine answers; None when there is no such container."""
        docker = _library()
        import requests  # noqa: PLC0415 - comes with docker

        limit = seconds or left(call, self.name, most=self._settings.timeout_seconds)
        client = self._client(docker, limit)
        try:
            return ask(client)
        except docker.errors.NotFound:
            return None
        except docker.errors.APIError as error:
            raise self._refused(error, changes=changes) from None
        except requests.exceptions.ReadTimeout:
            raise ActionError(
                f"{self.name}: no answer within {limit:.1f} s",
                effect="unknown" if changes else "none",
                retry=True,
            ) from None
        except requests.exceptions.RequestException as error:
            begun = changes and "Connection aborted" in str(error) and "FileNotFound" not in str(error)
            begun = begun and "refused" not in str(error)
            raise ActionError(
                f"{self.name}: no connection to the engine ({type(error).__name__}); check url, and that it runs",
                effect="unknown" if begun else "none",
                retry=True,
            ) from None
        finally:
            client.close()

    def _refused(self, error: Any, *, changes: bool) -> ActionError:
        code = error.status_code or 0
        effect = "unknown" if changes and code >= 500 else "none"
        said = one_line(str(error.explanation or error))
        return ActionError(
            f"{self.name}: the engine answers {code}: {said}", effect=effect, retry=code >= 500
        )

    def _client(self, docker: Any, seconds: float) -> Any:
        settings, tls = self._settings, None
        if settings.ca_file:
            pair = (str(settings.certificate_file), str(settings.key_file))
            tls = docker.tls.TLSConfig(client_cert=pair, ca_cert=str(settings.ca_file), verify=True)
        return docker.APIClient(
            base_url=settings.url, version=settings.api_version, timeout=seconds, tls=tls or False
        )


def _library() -> Any:
    try:
        import docker  # type: ignore[import-untyped] # noqa: PLC0415 - an extra
    except ImportError:
        raise ActionError(
            "the Docker API needs another package: pip install 'sre-copilot[actions]'", effect="none"
        ) from None
    return docker

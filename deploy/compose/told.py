"""What a one-shot container is told: variables, and files of the same names."""

import os
from pathlib import Path

from deploy.compose.faults import CannotGoOn


def told(name: str) -> str:
    """Return the variable of this name, or the file of it in SECRETS_DIR.

    Raises CannotGoOn with what to do when there is neither.
    """
    if given := os.environ.get(name.upper()):
        return given
    path = Path(os.environ.get("SECRETS_DIR") or "/run/secrets") / name
    try:
        content = path.read_text("utf-8").strip()
    except OSError:
        content = ""
    if not content:
        raise CannotGoOn(
            f"{name.upper()}: is not set, and {path} can't be read or is empty;"
            " make the secrets with `make secrets`"
        )
    return content

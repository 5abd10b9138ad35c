"""What Mosquitto and the ward begin with, as files: the first accounts, and their passwords."""

import os
import secrets
from pathlib import Path
from typing import Final

from ward_service.enrolment.broker_accounts import ADMIN_ACCOUNT, WARD_ACCOUNT, first_accounts
from ward_service.errors import ConflictError, WardError

ACCOUNTS: Final = "accounts/dynamic-security.json"  # Mosquitto's own from its first start on
WARD: Final = "ward.env"  # for whoever reads the environment from a file: Compose, systemd
ADMIN: Final = "admin.env"


def prepare(folder: Path, base: str) -> list[Path]:
    """Make the files that Mosquitto and the ward start with (0600), and return them.

    Raises:
        ConflictError: one is there already; accounts of homes may stand in it.
        WardError: the folder cannot be written.
    """
    ward, admin = secrets.token_hex(32), secrets.token_hex(32)
    contents = {
        ACCOUNTS: first_accounts(ward, admin, base),
        WARD: f"HOMEWARD_BROKER_USERNAME={WARD_ACCOUNT}\nHOMEWARD_BROKER_PASSWORD={ward}\n",
        ADMIN: f"HOMEWARD_BROKER_ADMIN_USERNAME={ADMIN_ACCOUNT}\n"
        f"HOMEWARD_BROKER_ADMIN_PASSWORD={admin}\n",
    }
    for name in contents:
        if (folder / name).exists():
            raise ConflictError(
                f"{folder / name} is there already, and everything was left as it is. The accounts "
                "of homes stand in it: move it away only to begin anew."
            )
    try:
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(content)
    except OSError as error:
        raise WardError(f"{folder} cannot be written: {error.strerror}.") from error
    return [folder / name for name in contents]

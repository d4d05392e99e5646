"""Secrets of a sandbox on this machine: in, a name; out, a random value made once and kept in `.local/secrets`.

Never used in live mode, where each secret comes from the environment.
"""

import os
import secrets
from pathlib import Path


def local_secret(local_dir: Path, name: str) -> str:
    """The secret of that name, 43 characters of url-safe base64 (32 bytes); made on first use, readable by us only."""
    path = local_dir / "secrets" / name
    if path.exists():
        return path.read_text()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(32))
    try:
        # link() fails when the name exists, so two first processes agree on one secret.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()

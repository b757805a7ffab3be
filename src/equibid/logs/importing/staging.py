"""A folder that is there whole or not at all."""

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from equibid.errors import input_error
from equibid.files import move

# What nobody wrote to for so long was left behind by an import that was killed.
ABANDONED = 3600.0


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A folder beside `out` to write into; it takes the name `out` when the block ends well.

    Raises:
        InputError: there is something at `out` already, or it cannot be written.
    """
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise input_error(out, "there is something already; choose another --out, or delete it")
        out.parent.mkdir(parents=True, exist_ok=True)
        sweep(out)
        folder = out.with_name(f".{out.name}.{secrets.token_hex(4)}.importing")
        folder.mkdir()
        try:
            yield folder
            if out.exists():
                # Only an empty folder may be there; Windows moves nothing upon it.
                out.rmdir()
            move(folder, out)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise input_error(out, f"it cannot be written ({error.strerror or error})") from error


def sweep(out: Path) -> None:
    """Delete what killed imports of the same name have left behind."""
    for folder in out.parent.glob(f".{out.name}.*.importing"):
        newest = max(path.stat().st_mtime for path in (folder, *folder.glob("*")))
        if time.time() - newest > ABANDONED:
            shutil.rmtree(folder, ignore_errors=True)

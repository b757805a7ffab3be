"""Files: names that any file system takes, reading by the exact name, writing whole or not at all.

Polars takes a path for a pattern (``*``, ``?``, ``[``), expands ``~`` and needs names in UTF-8; so
it is handed open files here, never paths.
"""

import gzip
import json
import os
import re
import subprocess
import sys
import time
import tomllib
import zlib
from base64 import b32encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from equibid.errors import InputError, input_error

# Polars takes half a second to load, which those do without who read no table.
if TYPE_CHECKING:
    import polars as pl

# Names that stand for themselves: no capitals, as file systems may not tell them apart.
PLAIN = re.compile(r"[a-z0-9_]([a-z0-9._=,+-]*[a-z0-9_=,+-])?")
# Windows keeps these for devices, whatever follows a dot.
DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
LONGEST = 150

# Reads each file that is named on stdin from end to end, and says so.
READ_ALL = """
import os, sys
try:
    import polars
except ImportError:
    sys.exit(3)
for path in sys.stdin.buffer.read().split(b"\\0"):
    with open(os.fsdecode(path), "rb") as file:
        polars.scan_parquet(file).sink_batches(lambda batch: None)
    print("read", flush=True)
"""
CANNOT_CHECK = 3
ON_WINDOWS = os.name == "nt"
_read_before: set[tuple[str, int, int]] = set()


def file_name(text: str) -> str:
    """A name for a file or folder about `text`: two texts never have one name.

    A text of small letters, digits and ``._=,+-`` is its own name, unless it is very long, ends
    with a dot, begins with one, or is a device of Windows. Any other has its letters and digits,
    then ``~`` and a digest of the whole text.
    """
    if len(text) <= LONGEST and PLAIN.fullmatch(text) and not DEVICE.fullmatch(text):
        return text
    readable = re.sub(r"[^A-Za-z0-9_=,+-]", "_", text)[: LONGEST // 2]
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).digest()
    return f"{readable or '_'}~{b32encode(digest).decode().lower()}"


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Turn every way in which a file cannot be opened or unpacked into one `InputError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise input_error(path, "there is no such file") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise input_error(path, "the archive is damaged or cut short; fetch it again") from error
    except OSError as error:
        raise input_error(path, f"it cannot be read ({error.strerror or error})") from error


def read_text(path: Path) -> str:
    """A text file in UTF-8, with or without a byte order mark.

    Raises:
        InputError: it cannot be read, or is not in UTF-8.
    """
    with opening(path):
        data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise input_error(path, "it is no text in UTF-8; save it as UTF-8") from error


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
        InputError: it cannot be read, or is no TOML.
    """
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise input_error(path, "it is not TOML (nested too deeply)") from error
    except ValueError as error:
        raise input_error(path, f"it is not TOML ({error})") from error


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        InputError: it cannot be read, or is no JSON.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise input_error(path, "it is not JSON (nested too deeply)") from error
    except ValueError as error:
        raise input_error(path, f"it is not JSON ({error})") from error


@contextmanager
def parquet(path: Path, mend: str = "write it again") -> Iterator["pl.LazyFrame"]:
    """The table in a Parquet file, to be collected inside the block.

    Args:
        path: of the file, taken letter by letter.
        mend: what to do if it cannot be read, for people.

    Raises:
        InputError: there is no such file, or it is no whole Parquet table.
    """
    import polars as pl  # noqa: PLC0415

    try:
        with opening(path), path.open("rb") as file:
            yield pl.scan_parquet(file)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise input_error(path, f"it is not a Parquet table, or it is damaged; {mend}") from error


def read_parquet(path: Path, mend: str = "write it again") -> "pl.DataFrame":
    """All of a Parquet file; arguments and errors as of `parquet`."""
    with parquet(path, mend) as table:
        return table.collect()


def check_parquet(paths: Sequence[Path], mend: str = "write it again") -> None:
    """Read files that others wrote once in a process of their own, from end to end.

    A damaged file may end the process that reads it, without an exception. Files that did not
    change since they were last checked are not read again.

    Args:
        paths: of the files.
        mend: what to do if one cannot be read, for people.

    Raises:
        InputError: there is no such file, or it is no whole Parquet table.
    """
    states = {path: _state(path) for path in paths}
    new = [path for path in paths if states[path] not in _read_before]
    if not new or not sys.executable:
        return
    ended = subprocess.run(
        [sys.executable, "-I", "-c", READ_ALL],
        input=b"\0".join(os.fsencode(path) for path in new),
        capture_output=True,
        check=False,
    )
    count = ended.stdout.count(b"read")
    if ended.returncode != CANNOT_CHECK and count < len(new):
        raise input_error(new[count], f"it is not a Parquet table, or it is damaged; {mend}")
    _read_before.update(states[path] for path in new)


def _state(path: Path) -> tuple[str, int, int]:
    """What tells a file from the same one after a change: its place, size and time."""
    with opening(path), path.open("rb") as file:
        state = os.fstat(file.fileno())
    return str(path.absolute()), state.st_size, state.st_mtime_ns


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the name `path` when the block ends well, in one step.

    It stands beside `path` until then, and is deleted if the block fails.

    Raises:
        InputError: it cannot be written.
    """
    beside = path.with_name(f"{path.name}.part")
    try:
        try:
            with beside.open("wb") as file:
                yield file
                file.flush()
                # Bytes before the name: else a power cut could leave the name without the bytes.
                os.fsync(file.fileno())
            move(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot write there ({error.strerror or error})") from error


def move(source: Path, target: Path) -> None:
    """Give a file or folder another name, in one step.

    Windows refuses while another program has `target` open: then it is tried for two seconds.

    Raises:
        OSError: it cannot be done.
    """
    for wait in (0.05, 0.1, 0.2, 0.4, 0.8, 0.8):
        try:
            source.replace(target)
            return
        except PermissionError:
            if not ON_WINDOWS:
                raise
            time.sleep(wait)
    source.replace(target)


def write_text(path: Path, text: str) -> Path:
    """Write a text in UTF-8 so that it is there whole or not at all; see `atomic`."""
    with atomic(path) as file:
        file.write(text.encode())
    return path


def write_json(path: Path, content: Any) -> Path:
    """Write JSON that people can read; see `atomic`."""
    return write_text(path, json.dumps(content, indent=2) + "\n")


def write_parquet(path: Path, table: "pl.DataFrame") -> Path:
    """Write a Parquet file so that it is there whole or not at all; see `atomic`."""
    with atomic(path) as file:
        put_parquet(file, table)
    # What this process wrote is whole.
    _read_before.add(_state(path))
    return path


def put_parquet(file: BinaryIO, table: "pl.DataFrame") -> None:
    """Write a table into an open file.

    Raises:
        OSError: the disk is full, or fails.
    """
    import polars as pl  # noqa: PLC0415

    try:
        table.write_parquet(file)
    except pl.exceptions.PolarsError as error:
        # Polars says what the disk said at the end of a long sentence.
        raise OSError(str(error).rpartition("error: ")[2]) from error

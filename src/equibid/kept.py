"""Files that are kept: there whole or not at all, and known again.

A digest notices a bit that changed on the way; an identity says whose the content is.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

from equibid.files import atomic, write_json

# What a file came to: none is there, it holds something else, it was changed, or it can be used.
Found = Literal["missing", "other", "damaged", "good"]
BLOCK = 1 << 24
MARK = b"\nblake2b "
# Of the mark, the digest in hexadecimal digits, and the line's end.
TRAILER = len(MARK) + 32 + 1


def file_digest(path: Path, length: int | None = None) -> str:
    """The digest of a file, or of its first bytes."""
    state = hashlib.blake2b(digest_size=16)
    left = path.stat().st_size if length is None else length
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(BLOCK, left))):
            state.update(block)
            left -= len(block)
    return state.hexdigest()


def content_digest(place: Path) -> str:
    """The digest of a file, or of the names and contents of all files of a folder."""
    if not place.is_dir():
        return file_digest(place)
    state = hashlib.blake2b(digest_size=16)
    for path in sorted(place.rglob("*")):
        if path.is_file():
            name = path.relative_to(place).as_posix()
            state.update(name.encode(errors="surrogateescape") + b"\0")
            state.update(file_digest(path).encode() + b"\n")
    return state.hexdigest()


def write_sealed(path: Path, identity: str, write: Callable[[BinaryIO], object]) -> None:
    """Write a file, and beside it its digest and whose it is.

    The digest is there first: a stop between the two leaves no file, or one that it does not fit.
    """
    with atomic(path) as file:
        write(file)
        file.flush()
        digest = file_digest(Path(file.name))
        write_json(seal_of(path), {"identity": identity, "digest": digest})


def found(path: Path, identity: str) -> Found:
    """What became of a file that `write_sealed` wrote."""
    if not path.exists():
        return "missing"
    try:
        seal = json.loads(seal_of(path).read_text(encoding="utf-8"))
        there, digest = seal["identity"], seal["digest"]
    except (OSError, ValueError, KeyError, TypeError):
        return "other"
    if there != identity:
        return "other"
    return "good" if file_digest(path) == digest else "damaged"


def seal_of(path: Path) -> Path:
    """Where the digest of a file stands."""
    return path.with_name(path.name + ".json")


def append_digest(file: BinaryIO) -> None:
    """End a file that is being written with the digest of all before."""
    file.flush()
    file.write(MARK + file_digest(Path(file.name)).encode() + b"\n")


def digest_holds(path: Path) -> bool:
    """Whether a file ends with the digest of all before."""
    length = path.stat().st_size - TRAILER
    if length < 0:
        return False
    with path.open("rb") as file:
        file.seek(length)
        trailer = file.read()
    return trailer == MARK + file_digest(path, length).encode() + b"\n"

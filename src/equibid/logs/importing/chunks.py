"""A text log of any size in chunks of whole lines, unpacked as it is read."""

import bz2
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from equibid.errors import InputError, input_error
from equibid.files import opening

# Blocks below 32 MiB stay with the allocator, which spares their pages being made anew.
CHUNK = 16 * 2**20
PIECE = 2**20
BOM = b"\xef\xbb\xbf"
# What a file begins with that is packed.
PACKINGS = {
    "gz": rb"\x1f\x8b\x08",
    "bz2": rb"BZh[1-9](1AY&SY|\x17rE8P\x90)",
    "xz": rb"\xfd7zXZ\x00",
    "zip": rb"PK\x03\x04",
    "zst": rb"\x28\xb5\x2f\xfd",
    "parquet": rb"PAR1",
}

CUT = "the archive is cut short here"
DAMAGED = "the archive is damaged here"


def packing(path: Path) -> str | None:
    """How a file is packed, by its content, else by its name; None for plain text.

    Raises:
        InputError: it cannot be read.
    """
    with opening(path), path.open("rb") as file:
        start = file.read(10)
    for kind, sign in PACKINGS.items():
        if re.match(sign, start):
            return kind
    ending = path.suffix.removeprefix(".")
    return ending if ending in ("gz", "bz2", "xz", "zip", "zst") and start else None


def unpacked_name(name: str) -> str:
    """The name of a file without the ending of its packing."""
    ending = name.rpartition(".")[2]
    return name.removesuffix(f".{ending}") if ending in ("gz", "bz2", "xz", "zip") else name


class Chunk(NamedTuple):
    """Some lines of a file.

    Attributes:
        first_line: number of the first line, from 1.
        lines: how many there are.
        data: whole lines, each with its end; with `damage`, what came of a line before it.
        position: bytes of the file that were read so far, packed.
        damage: what is wrong with the archive from here on; None nearly always.
    """

    first_line: int
    lines: int
    data: bytes
    position: int
    damage: str | None = None


class DamageError(Exception):
    """The rest of an archive cannot be unpacked; `rest` is what came before it."""

    rest: bytes = b""


class LongLineError(Exception):
    """A line does not end."""


def chunks(path: Path, size: int = CHUNK) -> Iterator[Chunk]:
    """A text file, plain or packed, in chunks of about `size` bytes that end at a line's end.

    A last line without an end gets one. What an archive holds before it is cut or damaged comes
    first; then one chunk with `damage` set.

    Raises:
        InputError: the file cannot be opened, or a line is longer than a chunk.
    """
    line = 1
    with opening(path), path.open("rb") as file:
        blocks = _whole_lines(path, file, size)
        while True:
            try:
                data = next(blocks, b"")
            except LongLineError as error:
                problem = f"a line is longer than {size} bytes; this is no text log"
                raise input_error(path, problem, line) from error
            except DamageError as error:
                yield Chunk(line, 0, error.rest, file.tell(), str(error))
                return
            if not data:
                return
            data = data.removeprefix(BOM) if line == 1 else data
            count = data.count(b"\n")
            yield Chunk(line, count, data, file.tell())
            line += count


def first_lines(path: Path, most: int = 2**16) -> str:
    """The first lines of a file, about `most` bytes, unpacked; what is damaged is left out."""
    with opening(path), path.open("rb") as file:
        pieces = _unpacked(path, file, most)
        try:
            return next(pieces, b"").removeprefix(BOM).decode("utf-8", "replace")
        except DamageError:
            return ""


def _whole_lines(path: Path, file: BinaryIO, size: int) -> Iterator[bytes]:
    """Blocks of whole lines, none of them empty, of about `size` bytes."""
    if packing(path) is not None:
        return _gathered(_unpacked(path, file, size), size)
    return _plain(file, size)


def _plain(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Blocks of a plain file, each read in one go: its end is looked up beforehand."""
    start, end = 0, file.seek(0, 2)
    while end - start > size:
        cut, window = 0, min(size, PIECE)
        while not cut and window:
            file.seek(start + size - window)
            cut = file.read(window).rfind(b"\n") + 1
            if not cut:
                window = 0 if window == size else min(2 * window, size)
        if not cut:
            raise LongLineError
        cut += size - window
        file.seek(start)
        yield file.read(cut)
        start += cut
    file.seek(start)
    data = file.read()
    if data:
        yield data if data.endswith(b"\n") else data + b"\n"


def _gathered(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Pieces of a text put together to blocks."""
    held: list[bytes] = []
    length = 0
    try:
        for piece in pieces:
            held.append(piece)
            length += len(piece)
            if length < size:
                continue
            data = b"".join(held)
            cut = data.rfind(b"\n") + 1
            if not cut:
                raise LongLineError
            held, length = [data[cut:]], len(data) - cut
            yield data[:cut]
    except DamageError as error:
        data = b"".join(held)
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut]
        error.rest = data[cut:]
        raise
    data = b"".join(held)
    if data:
        yield data if data.endswith(b"\n") else data + b"\n"


def _unpacked(path: Path, file: BinaryIO, size: int) -> Iterator[bytes]:
    """Pieces of a file's content of at most `size` bytes, none of them empty."""
    kind = packing(path)
    if kind is None:
        return iter(lambda: file.read(size), b"")
    if kind not in UNPACKERS:
        raise input_error(path, f"a .{kind} file is not read; unpack it first")
    return filter(None, UNPACKERS[kind](file, min(size, PIECE)))


def _gunzip(file: BinaryIO, piece: int) -> Iterator[bytes]:
    """The members of a gzip file, one after the other; zeros behind them are padding."""
    data = file.read(piece)
    while data:
        unpack = zlib.decompressobj(31)
        while not unpack.eof:
            if not data:
                raise DamageError(CUT)
            try:
                out = unpack.decompress(data, piece)
            except zlib.error as error:
                raise DamageError(DAMAGED) from error
            yield out
            data = unpack.unconsumed_tail or (b"" if unpack.eof else file.read(piece))
        data = unpack.unused_data.lstrip(b"\0")
        while not data and (more := file.read(piece)):
            data = more.lstrip(b"\0")


def _bunzip(file: BinaryIO, piece: int) -> Iterator[bytes]:
    """The streams of a bzip2 file, one after the other."""
    return _streams(bz2.BZ2Decompressor, file, piece)


def _unxz(file: BinaryIO, piece: int) -> Iterator[bytes]:
    """The streams of an xz file, one after the other."""
    return _streams(lzma.LZMADecompressor, file, piece)


def _streams(
    start: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], file: BinaryIO, piece: int
) -> Iterator[bytes]:
    data = file.read(piece)
    while data:
        unpack = start()
        while not unpack.eof:
            if unpack.needs_input and not data:
                raise DamageError(CUT)
            try:
                out = unpack.decompress(data, piece)
            except (OSError, EOFError, lzma.LZMAError) as error:
                raise DamageError(DAMAGED) from error
            yield out
            data = file.read(piece) if unpack.needs_input and not unpack.eof else b""
        data = unpack.unused_data or file.read(piece)


def _unzip(file: BinaryIO, piece: int) -> Iterator[bytes]:
    """The one file of a zip archive."""
    try:
        archive = zipfile.ZipFile(file)
        members = [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DamageError(DAMAGED) from error
    if len(members) != 1:
        raise InputError(f"{file.name}: it holds {len(members)} files; unpack it first")
    try:
        with archive.open(members[0]) as member:
            yield from iter(lambda: member.read(piece), b"")
    except (RuntimeError, NotImplementedError) as error:
        problem = f"it cannot be unpacked here ({error}); unpack it first"
        raise InputError(f"{file.name}: {problem}") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        raise DamageError(DAMAGED) from error


UNPACKERS: dict[str, Callable[[BinaryIO, int], Iterator[bytes]]] = {
    "gz": _gunzip,
    "bz2": _bunzip,
    "xz": _unxz,
    "zip": _unzip,
}

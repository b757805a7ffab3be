"""Log files played as they lie: read as `equibid import` does, but with no bad row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from equibid.errors import InputError, input_error
from equibid.files import opening
from equibid.logs.auctionnet import AuctionNetLog, auctionnet_logs
from equibid.logs.dataset import LogDataset
from equibid.logs.imported import PLAYERS, File, table_of, unplayable
from equibid.logs.importing.campaign_forms import PARTS, first_word, part_of
from equibid.logs.importing.chunks import CUT, DAMAGED
from equibid.logs.importing.schema import SCHEMAS
from equibid.logs.importing.source import Source, open_source, pieces

INFO = re.compile(r"([^.]+\.)?info\.json")


@dataclass(frozen=True, kw_only=True)
class RawFile(File):
    """A log file as it lies, in place of an imported one.

    Attributes:
        source: the file and its form.
    """

    source: Source

    def frame(self) -> pl.DataFrame:
        """All rows; see `good_rows`."""
        return good_rows(self.source)


def read_raw(path: Path, format: str | None = None) -> list[LogDataset]:
    """The datasets of a log file, or of the logs in a folder and the folders in it.

    Files of a folder that no form recognises are left aside. Beside a file that is named, the log
    to train on (or to test on) of the same campaign is read.

    Args:
        path: of a file or folder.
        format: a name in `SCHEMAS`; None recognises it.

    Raises:
        InputError: no form or several recognise it, its form cannot be played, or it cannot be
            read; the sentence names the file, and the line or field.
    """
    sources = _in_folder(path, format) if path.is_dir() else _of_file(path, format)
    forms = {source.form.name for source in sources}
    played = sorted(forms & set(PLAYERS)) or sorted(forms)
    if len(played) > 1:
        raise input_error(path, f"could be {' or '.join(played)}; name one as the format")
    (form,) = played
    if form not in PLAYERS:
        raise input_error(path, unplayable(form))
    return PLAYERS[form]([_file(source, path) for source in sources if source.form.name == form])


def read_auctionnet_rows(path: Path) -> list[AuctionNetLog]:
    """All that a log of AuctionNet says, one log a delivery period, in order of arrival.

    Raises:
        InputError: the file cannot be used.
    """
    source = open_source(path, SCHEMAS["auctionnet"])
    return auctionnet_logs(path, first_word(path), table_of(good_rows(source)))


def good_rows(source: Source) -> pl.DataFrame:
    """All rows of a file, each of them good.

    Raises:
        InputError: there is none, or one is bad; the sentence names the line.
    """
    tables = []
    for piece in pieces(source):
        parsed = piece.parse()
        for line, name, reason, value, _ in parsed.bad.head(1).rows():
            if reason in (CUT, DAMAGED):
                problem = "the archive is damaged or cut short; fetch it again"
                raise input_error(source.path, problem)
            said = f"{name} {value[:40]!r} is {reason}" if name else reason
            raise input_error(source.path, said, line)
        tables.append(parsed.frame)
    if not sum(table.height for table in tables):
        raise input_error(source.path, "it holds no rows")
    return pl.concat(tables)


def _file(source: Source, path: Path) -> RawFile:
    """A source as the players take it, named by its place in the folder."""
    place = source.path.relative_to(path) if path.is_dir() else Path(source.path.name)
    return RawFile(
        folder=source.path,
        name=str(place),
        parts=(),
        lost=0,
        beside=source.form.beside(source.path),
        source=source,
    )


def _of_file(path: Path, format: str | None) -> list[Source]:
    """The file, and the other part of its campaign."""
    if INFO.fullmatch(path.name):
        return _of_info(path)
    source = open_source(path, None if format is None else SCHEMAS[format])
    part = part_of(path)
    wanted = "test" if part == "train" else "train"
    others = [
        file
        for file in _files(path.parent, deep=False)
        if part and _campaign(file) == _campaign(path) and part_of(file) == wanted
    ]
    found = [other for other in map(_recognised, others) if other is not None]
    return [source, *(other for other in found if other.form.name == source.form.name)]


def _of_info(info: Path) -> list[Source]:
    """The logs beside RLB's totals: one to test on, and one to train on if it is there."""
    name = info.name.removesuffix("info.json").removesuffix(".")
    campaign = name or info.resolve().parent.name
    files = [file for file in _files(info.parent, deep=False) if _campaign(file) == campaign]
    found = [
        source
        for source in map(_recognised, files)
        if source is not None and source.form.name == "rlb"
    ]
    if not found:
        wanted = f"{name}.*.theta.txt" if name else "test.theta.txt"
        raise input_error(info, f"there is no {wanted} beside it")
    if sum(part_of(source.path) != "train" for source in found) > 1:
        several = ", ".join(source.path.name for source in found)
        raise input_error(info, f"there are several logs beside it ({several}); name one of them")
    return found


def _in_folder(folder: Path, format: str | None) -> list[Source]:
    """The files of a folder that a form recognises, or the one form that was named."""
    found = [source for source in map(_recognised, _files(folder)) if source is not None]
    found = [source for source in found if format in (None, source.form.name)]
    if not found:
        wanted = f"of the form {format}" if format else f"of a known form ({', '.join(SCHEMAS)})"
        raise input_error(folder, f"no file in it is a log {wanted}")
    return found


def _recognised(path: Path) -> Source | None:
    try:
        return open_source(path)
    except InputError:
        return None


def _files(folder: Path, deep: bool = True) -> Sequence[Path]:
    """Files of a folder by name, with those of its folders; hidden ones are left out."""
    with opening(folder):
        found = sorted(folder.rglob("*") if deep else folder.iterdir())
    hidden = [any(part.startswith(".") for part in x.relative_to(folder).parts) for x in found]
    return [x for x, aside in zip(found, hidden, strict=True) if x.is_file() and not aside]


def _campaign(path: Path) -> str:
    first = first_word(path)
    return path.resolve().parent.name if first in PARTS else first

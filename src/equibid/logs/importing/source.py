"""The files of an import, and what each holds in small pieces."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from equibid.errors import InputError, input_error
from equibid.files import check_parquet, parquet
from equibid.logs.importing.chunks import CHUNK, chunks, first_lines
from equibid.logs.importing.form import FORMS, Field, Form, in_order
from equibid.logs.importing.parse import parse
from equibid.logs.importing.rules import Lines, Parsed, check, csv_cells

# Rows of a Parquet file in one piece.
BATCH = 200_000


@dataclass(frozen=True)
class Source:
    """A file to import.

    Attributes:
        path: of the file.
        form: of the log.
        fields: its columns in the order of the file.
        header: whether its first line names them.
        name: what it is called among the files of the import.
    """

    path: Path
    form: Form
    fields: Sequence[Field]
    header: bool
    name: str = ""

    @property
    def parquet(self) -> bool:
        """Whether it is a table already."""
        return self.path.suffix == ".parquet"

    @property
    def size(self) -> int:
        """Bytes, packed."""
        return self.path.stat().st_size

    @property
    def length(self) -> int:
        """What reading counts in: bytes of text, packed, or rows of a Parquet file."""
        if self.parquet:
            with parquet(self.path) as table:
                return table.select(pl.len()).collect().item()
        return self.size


@dataclass(frozen=True)
class Piece:
    """A piece of a source, to be parsed by whoever has time.

    Attributes:
        position: how much of the source (see `Source.length`) was read with it.
        parse: gives its rows.
    """

    position: int
    parse: Callable[[], Parsed]


def open_source(path: Path, form: Form | None = None) -> Source:
    """A file and its form.

    Args:
        path: of a text file, plain or packed, or a Parquet file.
        form: of the log; None finds the one form that recognises the file.

    Raises:
        InputError: it cannot be read, no form or several recognise it, or its header is wrong.
    """
    if path.is_dir():
        raise input_error(path, "it is a folder; name the files in it, as in FOLDER/*")
    names, lines = _parquet_head(path) if path.suffix == ".parquet" else _text_head(path)
    form = form or _recognised(path, lines)
    if form.header == "no" and path.suffix == ".parquet":
        raise input_error(path, f"the format {form.name} is a text format, without names")
    if form.header == "no":
        return Source(path, form, form.fields, header=False)
    if not names and "\r" in lines[0]:
        problem = "lines end with carriage returns alone; save it with line feeds, as Unix does"
        raise input_error(path, problem, 1)
    names = names or _header(lines[0], form)
    known = {field.name for field in form.fields} & set(names)
    # A word of a row may be the name of a column by chance; of a header most words are.
    if form.header == "maybe" and 2 * len(known) < len(names):
        return Source(path, form, _by_count(lines, form), header=False)
    try:
        return Source(path, form, in_order(form, names), header=True)
    except InputError as error:
        raise input_error(path, str(error), 1) from error


def pieces(source: Source, size: int = CHUNK) -> Iterator[Piece]:
    """A source in pieces of about `size` bytes of text, in order.

    Raises:
        InputError: the file cannot be read.
    """
    if source.parquet:
        yield from _parquet_pieces(source)
        return
    header = source.header
    for chunk in chunks(source.path, size):
        data = chunk
        if header and chunk.damage is None:
            data = chunk._replace(
                first_line=2, lines=chunk.lines - 1, data=chunk.data[chunk.data.index(b"\n") + 1 :]
            )
            header = False
        yield Piece(chunk.position, lambda chunk=data: parse(chunk, source.form, source.fields))


def _parquet_pieces(source: Source) -> Iterator[Piece]:
    with parquet(source.path) as table:
        names = table.collect_schema().names()
    count = source.length
    for first in range(0, count, BATCH):
        length = min(BATCH, count - first)

        def read(first: int = first, length: int = length) -> Parsed:
            try:
                with parquet(source.path) as whole:
                    table = whole.select(names).slice(first, length).collect()
                frame = table.select(
                    pl.col(column).cast(field.reads, strict=False).alias(field.name)
                    for column, field in zip(names, source.fields, strict=True)
                )
            except pl.exceptions.PolarsError as error:
                problem = f"a column has a type that cannot be used ({error})"
                raise input_error(source.path, problem) from error

            def shown(at: Lines) -> list[str]:
                return [
                    source.form.separator.join("" if x is None else str(x) for x in row)
                    for row in table[at].rows()
                ]

            line = np.arange(first + 1, first + length + 1)
            return check(frame, line, source.form, source.fields, shown)

        yield Piece(first + length, read)


def _text_head(path: Path) -> tuple[list[str], list[str]]:
    lines = first_lines(path)
    if not lines:
        raise input_error(path, "the file is empty, or a damaged archive; fetch it again")
    return [], [line.removesuffix("\r") for line in lines.split("\n")]


def _parquet_head(path: Path) -> tuple[list[str], list[str]]:
    """The names of the columns, and a header made of them."""
    check_parquet([path])
    with parquet(path) as table:
        names = table.collect_schema().names()
    return names, [",".join(names)]


def _header(line: str, form: Form) -> list[str]:
    if form.quoted:
        return csv_cells(line, form)
    return line.split(form.separator)


def _by_count(lines: Sequence[str], form: Form) -> Sequence[Field]:
    """All fields, or those that are always there: whichever have the columns of most lines."""
    needed = [field for field in form.fields if not field.optional]
    counts = [line.count(form.separator) + 1 for line in lines]
    return max((form.fields, needed), key=lambda fields: counts.count(len(fields)))


def _recognised(path: Path, lines: Sequence[str]) -> Form:
    """The one form that recognises a file."""
    name = path.name.removesuffix(".gz").removesuffix(".bz2")
    fitting = [form for form in map(FORMS.__getitem__, FORMS) if form.recognises(name, lines)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        several = " or ".join(form.name for form in fitting)
        raise input_error(path, f"could be {several}; name one with --format")
    raise input_error(
        path,
        f"no log form recognises it, tried {', '.join(FORMS)}; name one with --format, or describe "
        "its columns with --columns",
    )

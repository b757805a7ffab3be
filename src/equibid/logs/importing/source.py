"""The files of an import, and what each holds in small pieces."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from equibid.errors import InputError, input_error
from equibid.files import check_parquet, parquet
from equibid.logs.importing.chunks import CHUNK, chunks, first_lines, packing, unpacked_name
from equibid.logs.importing.json_lines import keys_of, parse_json
from equibid.logs.importing.parse import parse
from equibid.logs.importing.rules import Lines, Parsed, check, csv_cells
from equibid.logs.importing.schema import SCHEMAS, Field, LogSchema, in_order

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
        names: of its columns, in its own words; empty where it has no names.
    """

    path: Path
    form: LogSchema
    fields: Sequence[Field]
    header: bool
    name: str = ""
    names: tuple[str, ...] = ()

    @property
    def parquet(self) -> bool:
        """Whether it is a table already."""
        return is_parquet(self.path)

    @property
    def left_out(self) -> list[str]:
        """Columns of the file that are not of the form."""
        known = {field.name for field in self.form.fields}
        pairs = zip(self.names, self.fields, strict=False)
        return [name for name, field in pairs if field.name not in known]

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


def open_source(path: Path, form: LogSchema | None = None) -> Source:
    """A file and its form.

    Args:
        path: of a text file, plain or packed, or a Parquet file.
        form: of the log; None finds the one form that recognises the file.

    Raises:
        InputError: it cannot be read, no form or several recognise it, or its header is wrong.
    """
    names, lines = head_of(path)
    form = form or _recognised(path, lines)
    table = bool(names)
    if form.header == "no" and table:
        raise input_error(path, f"the format {form.name} is a text format, without names")
    if form.header == "no":
        fields = form.fields
        if form.named is not None:
            names = [str(place + 1) for place in range(len(_header(lines[0], form)))]
            fields = _in_order(path, form, names)
        return Source(path, form, fields, header=False)
    names = names or _header(lines[0], form)
    known = {field.name for field in form.fields} & set(names)
    # A word of a row may be the name of a column by chance; of a header most words are.
    if form.header == "maybe" and 2 * len(known) < len(names):
        return Source(path, form, _by_count(lines, form), header=False)
    return Source(path, form, _in_order(path, form, names), header=not table, names=tuple(names))


def head_of(path: Path) -> tuple[list[str], list[str]]:
    """The names of the columns of a table or of JSON lines, and the first lines of a text.

    A table has one line, its names with commas.

    Raises:
        InputError: it is a folder, or cannot be read.
    """
    if path.is_dir():
        raise input_error(path, "it is a folder; name the files in it, as in FOLDER/*")
    return _parquet_head(path) if is_parquet(path) else _text_head(path)


def _in_order(path: Path, form: LogSchema, names: Sequence[str]) -> tuple[Field, ...]:
    try:
        return in_order(form, names)
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
    json_lines = bool(source.names) and not header
    for chunk in chunks(source.path, size):
        data = chunk
        if header and chunk.damage is None:
            data = chunk._replace(
                first_line=2, lines=chunk.lines - 1, data=chunk.data[chunk.data.index(b"\n") + 1 :]
            )
            header = False
        if json_lines:
            read = partial(parse_json, data, source.form, source.fields, source.names)
        else:
            read = partial(parse, data, source.form, source.fields)
        yield Piece(chunk.position, read)


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
                    _typed(pl.col(column), field).alias(field.name)
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


def is_parquet(path: Path) -> bool:
    """Whether a file is a Parquet table, by its content or its name."""
    return path.suffix == ".parquet" or packing(path) == "parquet"


def _typed(column: pl.Expr, field: Field) -> pl.Expr:
    return column if field.typed else column.cast(field.reads, strict=False)


def _text_head(path: Path) -> tuple[list[str], list[str]]:
    """The first lines of a text; of JSON lines the names in them, and a header made of these."""
    text = first_lines(path)
    if not text.strip():
        raise input_error(path, "the file is empty, or a damaged archive; fetch it again")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if lines[0].startswith("{"):
        names = keys_of(lines)
        return names, [",".join(names)]
    return [], lines


def _parquet_head(path: Path) -> tuple[list[str], list[str]]:
    """The names of the columns, and a header made of them."""
    check_parquet([path])
    with parquet(path) as table:
        names = table.collect_schema().names()
    return names, [",".join(names)]


def _header(line: str, form: LogSchema) -> list[str]:
    if form.quoted:
        return csv_cells(line, form)
    return line.split(form.separator)


def _by_count(lines: Sequence[str], form: LogSchema) -> Sequence[Field]:
    """All fields, or those that are always there: whichever have the columns of most lines."""
    needed = [field for field in form.fields if not field.optional]
    counts = [line.count(form.separator) + 1 for line in lines]
    return max((form.fields, needed), key=lambda fields: counts.count(len(fields)))


def _recognised(path: Path, lines: Sequence[str]) -> LogSchema:
    """The one form that recognises a file."""
    name = unpacked_name(path.name)
    fitting = [form for form in map(SCHEMAS.__getitem__, SCHEMAS) if form.recognises(name, lines)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        several = " or ".join(form.name for form in fitting)
        raise input_error(path, f"could be {several}; name one with --format")
    raise input_error(
        path,
        f"no log form recognises it, tried {', '.join(SCHEMAS)}; name one with --format, or "
        "describe its columns with --columns",
    )

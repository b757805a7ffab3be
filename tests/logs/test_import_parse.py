"""A row's fate does not depend on what stands beside it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_imports import MADE

from equibid.logs.importing import SCHEMAS
from equibid.logs.importing.chunks import Chunk
from equibid.logs.importing.parse import parse
from equibid.logs.importing.schema import LogSchema, named, number, text
from equibid.logs.table import amount

QUOTED = LogSchema(
    name="quoted",
    fields=(named("id"), number(amount("bid")), text("note")),
    recognises=lambda *_: False,
    quoted=True,
)
FORMS_TRIED = [QUOTED, *(SCHEMAS[name] for name in ("ipinyou-features", "rlb"))]
LETTERS = st.text(alphabet='",ab01. \r\t-:é\x00\x1e', max_size=12)
# Lines that cannot be split into columns, so that all others are read the careful way.
SPOILERS = (b"\xff\n", b"\n")


def parsed(
    lines: list[bytes], form: LogSchema, spoiler: bytes = b""
) -> tuple[list[tuple], list[int]]:
    """Rows and lines of the bad rows; a spoiler's own are left out."""
    data = b"".join(line + b"\n" for line in lines) + spoiler
    result = parse(Chunk(1, data.count(b"\n"), data, 0), form, form.fields)
    bad = [line for line in result.bad["line"].to_list() if line <= len(lines)]
    return result.frame.rows(), bad


@pytest.mark.parametrize("form", FORMS_TRIED, ids=lambda form: form.name)
@given(cells=st.lists(st.tuples(LETTERS, LETTERS, LETTERS), min_size=1, max_size=5))
@example(cells=[('a"b"c', "1", "x"), ("a", "1", '"x""y"')])
@example(cells=[('"a,b"', "1", ' "x"'), ("a", "1", '"x" ')])
@example(cells=[("a", "1", 'x"'), ('"a', "1", "x")])
@example(cells=[("1", "1", "1:1"), ("1", "1", "")])
def test_rows_are_judged_alone(form: LogSchema, cells: list[tuple[str, str, str]]) -> None:
    lines = [form.separator.join(row).encode() for row in cells]
    # Blank lines are no rows, and a carriage return before the end belongs to the end.
    lines = [line.rstrip(b"\r") for line in lines]
    lines = [line for line in lines if line]
    alone = [parsed([line], form) for line in lines]
    rows = [row for one, _ in alone for row in one]
    bad = [number for number, (_, found) in enumerate(alone, start=1) if found]
    for spoiler in (b"", *SPOILERS):
        assert parsed(lines, form, spoiler) == (rows, bad)


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_the_careful_way_reads_the_same_numbers(made) -> None:
    form = SCHEMAS[made.form]
    lines = made.lines(50)[made.header :]
    fields = [field for field in form.fields if field.name in made.columns]
    data = b"".join(line + b"\n" for line in lines)
    quick = parse(Chunk(1, 50, data, 0), form, fields)
    careful = parse(Chunk(1, 51, data + b"\xff\n", 0), form, fields)
    assert quick.frame.equals(careful.frame)
    assert (quick.bad.height, careful.bad.height) == (0, 1)

"""The main table of a run, in the forms that papers and spreadsheets take."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, NamedTuple

Form = Literal["latex", "markdown", "csv"]
# A number, words, or a number with the ends of its 95 % interval.
Cell = float | str | None | tuple[float | None, float | None, float | None]


class Column(NamedTuple):
    """A column of numbers or words.

    Attributes:
        title: for people.
        unit: of the numbers.
        told: writes a number for people.
    """

    title: str
    unit: str = ""
    told: Callable[[float | None], str] = str

    @property
    def head(self) -> str:
        """Title and unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True)
class Sheet:
    """The main table of a run.

    Attributes:
        first: what the rows are.
        columns: beside their names.
        rows: a name and a cell for each column.
    """

    first: str
    columns: Sequence[Column]
    rows: Sequence[tuple[str, Sequence[Cell]]]

    def cells(self, row: Sequence[Cell]) -> list[str]:
        """A row for people, without its name."""
        return [told(column, cell) for column, cell in zip(self.columns, row, strict=True)]


def told(column: Column, cell: Cell) -> str:
    """A cell for people, an interval behind the number."""
    if isinstance(cell, str):
        return cell
    if not isinstance(cell, tuple):
        return column.told(cell)
    x, low, high = cell
    if low is None or high is None:
        return column.told(x)
    return f"{column.told(x)} [{column.told(low)}, {column.told(high)}]"


def together(sheets: Sequence[tuple[str, Sheet]]) -> Sheet:
    """The rows of several runs of one kind in one table, the run's name first of each."""
    first = sheets[0][1]
    titles = dict.fromkeys(column for _, sheet in sheets for column in sheet.columns)
    rows = []
    for run, sheet in sheets:
        for name, row in sheet.rows:
            cells = dict(zip(sheet.columns, row, strict=True))
            rows.append((run, [name, *(cells.get(column, "–") for column in titles)]))
    return Sheet("Run", [Column(first.first), *titles], rows)


def written(sheet: Sheet, form: Form) -> str:
    """The table as text, numbers of CSV in full."""
    return {"latex": as_latex, "markdown": as_markdown, "csv": as_csv}[form](sheet)


def as_csv(sheet: Sheet) -> str:
    """Comma-separated values; an interval has two columns more, for its ends."""
    wide = [
        any(isinstance(row[at], tuple) for _, row in sheet.rows) for at in range(len(sheet.columns))
    ]
    heads = [sheet.first]
    for column, ends in zip(sheet.columns, wide, strict=True):
        heads += [column.head, *[f"{column.title} {end}" for end in ("low", "high") if ends]]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(heads)
    for name, row in sheet.rows:
        cells: list[float | str | None] = [name]
        for cell, ends in zip(row, wide, strict=True):
            cells += cell if isinstance(cell, tuple) else (cell, *[None, None] * ends)
        table.writerow(cells)
    return text.getvalue()


def as_markdown(sheet: Sheet) -> str:
    """A table as GitHub and most tools take it; a bar within a cell is escaped."""

    def line(cells: Sequence[str]) -> str:
        return (
            f"| {' | '.join(escape(cell, quote=False).replace('|', '&#124;') for cell in cells)} |"
        )

    heads = [sheet.first, *(column.head for column in sheet.columns)]
    rule = f"| --- |{' ---: |' * len(sheet.columns)}"
    lines = [line(heads), rule, *(line([name, *sheet.cells(row)]) for name, row in sheet.rows)]
    return "\n".join(lines) + "\n"


def as_latex(sheet: Sheet) -> str:
    """A tabular with the rules of the package booktabs."""

    def line(cells: Sequence[str]) -> str:
        return f"  {' & '.join(map(latex, cells))} \\\\"

    heads = [sheet.first, *(column.head for column in sheet.columns)]
    rows = [line([name, *sheet.cells(row)]) for name, row in sheet.rows]
    return "\n".join(
        [
            f"\\begin{{tabular}}{{l{'r' * len(sheet.columns)}}}",
            "  \\toprule",
            line(heads),
            "  \\midrule",
            *rows,
            "  \\bottomrule",
            "\\end{tabular}",
            "",
        ]
    )


def latex(text: str) -> str:
    """Text that LaTeX shows as it is."""
    marks = {
        **{mark: f"\\{mark}" for mark in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "−": "$-$",
        "–": "--",
        "×": r"$\times$",
        "∞": r"$\infty$",
        "\u202f": r"\,",
        "\u00a0": "~",
    }
    return "".join(marks.get(mark, mark) for mark in text)

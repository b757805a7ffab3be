"""Write the pages that are made from the code, into docs/reference or into another folder."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from io import BytesIO, TextIOWrapper
from pathlib import Path
from pkgutil import resolve_name
from unittest.mock import patch

from equibid.cli.calling import call
from equibid.cli.main import COMMANDS
from equibid.cli.names import TITLES, settings_in
from equibid.learning.exploit.config import ExploitConfig
from equibid.settings import described

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
# Narrow enough for help of one column.
WIDTH = "100"
HELP = "-h, --help"
EXAMPLE = "Example: "
HEADS = ("setting", "is", "takes", "")
NO_DEFAULT = re.compile(r" \(default: (None)?\)$")


def settings_page() -> str:
    """The settings of all that takes some, by kind and name."""
    lines = [
        "# Settings",
        "What algorithms, bidders, auctions, methods, objectives and rewards can be told, and what",
        "they do unless told. `equibid list NAME` shows the same. Algorithms take them by `--set`",
        "of [`equibid train`](command-line.md#train), as in `--set num_envs=16`; all others after",
        "their name, as in `pid-ecpc:reference=40,kp=0.5`.",
    ]
    for place, title in TITLES.items():
        registry = resolve_name(place)
        tables = {name: list(settings_in(registry, name)) for name in registry}
        if not any(tables.values()):
            continue
        lines += ["", f"## {title.partition(' (')[0]}"]
        first: dict[object, str] = {}
        for name, rows in tables.items():
            if not rows:
                continue
            lines += ["", f"### {name}", "", registry.summaries[name], ""]
            # A preset is told by what is different from the algorithm that it is one of.
            kind = type(registry[name]()) if registry.kind == "algorithm" else name
            base = first.setdefault(kind, name)
            others = [row for row in rows if base == name or row not in tables[base]]
            if base != name:
                lines += [f"As [{base}](#{base}), but for:", ""]
            lines += table(HEADS, others, code=(0, 1))
    lines += ["", "## Search for responses", ""]
    lines += ["`equibid exploit` takes them by `--set`, as in `--set steps=100`.", ""]
    lines += table(HEADS, described(ExploitConfig()), code=(0, 1))
    return text(lines)


def command_line_page() -> str:
    """The commands with their options, as ``--help`` tells them."""
    lines = [
        "# Command line",
        "What `equibid COMMAND --help` prints. [Use it from scripts](../scripts.md) says what",
        "`--quiet` and `--json` give.",
    ]
    for name, command in COMMANDS.items():
        usage, about, options = parts(help_of(name, command.place))
        examples = [line.removeprefix(EXAMPLE) for line in about if line.startswith(EXAMPLE)]
        told = "\n".join(line for line in about if not line.startswith(EXAMPLE)).strip()
        told = re.sub(r"\n{3,}", "\n\n", told)
        lines += ["", f"## {name}", "", told, "", "```", usage, "```", ""]
        lines += ["For example:", "", "```sh", *examples, "```", ""]
        lines += table(("option", ""), options, code=(0,))
    return text(lines)


def help_of(name: str, place: str) -> list[str]:
    """The lines that a command's ``--help`` prints."""
    # Only to what takes UTF-8 are boxes drawn.
    said = TextIOWrapper(BytesIO(), encoding="utf-8")
    with patch.dict(os.environ, COLUMNS=WIDTH), redirect_stdout(said), suppress(SystemExit):
        call(name, place, ["--help"])
    said.seek(0)
    return said.read().splitlines()


def parts(lines: list[str]) -> tuple[str, list[str], list[tuple[str, str]]]:
    """Usage, sentences, and options with what they mean, of the lines of a help text."""
    begin = next(k for k, line in enumerate(lines) if line.startswith("╭"))
    usage, _, *about = lines[:begin]
    options: list[tuple[str, str]] = []
    for boxed in lines[begin:]:
        if boxed.startswith(("╭", "╰")):
            continue
        line = boxed.strip("│").rstrip()[1:]
        if line.startswith("─"):
            # What stands above a rule is of all options below it.
            options = [option for option in options if option[1]]
        elif line.startswith(" "):
            name, meaning = options[-1]
            options[-1] = name, f"{meaning} {line.strip()}".strip()
        elif line:
            name, _, meaning = line.partition("  ")
            options.append((name, meaning.strip()))
    options = [
        (name.replace("{None}|", ""), NO_DEFAULT.sub("", meaning))
        for name, meaning in options
        if name != HELP
    ]
    return usage, about, options


def table(
    heads: tuple[str, ...], rows: list[tuple[str, ...]], code: tuple[int, ...]
) -> Iterator[str]:
    """Lines of a Markdown table; some columns are code."""
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    for row in rows:
        cells = [cell.replace("|", "\\|") for cell in row]
        yield f"| {' | '.join(f'`{x}`' if k in code and x else x for k, x in enumerate(cells))} |"


def text(lines: list[str]) -> str:
    """A page of these lines, which says where it comes from."""
    head, *rest = lines
    return "\n".join([head, "", "<!-- Made from the code by `make pages`. -->", "", *rest, ""])


PAGES: dict[str, Callable[[], str]] = {
    "command-line.md": command_line_page,
    "settings.md": settings_page,
}

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else REFERENCE
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")

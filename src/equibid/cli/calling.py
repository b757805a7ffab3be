"""A command is called: its module is imported, its plugins are, its words become its settings."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, Any

import tyro

from equibid.cli.console import silence
from equibid.errors import InputError
from equibid.plugins import load

Plugins = Annotated[
    tuple[str, ...],
    tyro.conf.UseAppendAction,
    tyro.conf.arg(
        help="A Python file (or an installed module) of your own bidders, auctions, readers or "
        "algorithms; name it once for every file.",
    ),
]
Quiet = Annotated[
    bool,
    tyro.conf.FlagCreatePairsOff,
    tyro.conf.arg(help="Print the path of the folder, and nothing else."),
]
Json = Annotated[
    bool,
    tyro.conf.FlagCreatePairsOff,
    tyro.conf.arg(
        name="json", help="Print one JSON object, and nothing else: the folder and the main table."
    ),
]
# What each command takes beside its own, and what those take that give a folder.
ALL: dict[str, Any] = {"plugin": Plugins}
FOLDERS: dict[str, Any] = {"quiet": Quiet, "as_json": Json}


def call(name: str, place: str, words: Sequence[str]) -> None:
    """Call a command with the words that follow its name.

    Args:
        name: of the command.
        place: of its function, as ``equibid.cli.compare:compare``.
        words: that follow.
    """
    tyro.cli(with_shared(resolve_name(place)), prog=f"equibid {name}", args=words)


def complete(places: Mapping[str, str], words: Sequence[str]) -> None:
    """Print, or write, the completion of all commands for a shell.

    Args:
        places: of the functions of commands, by the names of these.
        words: as tyro takes them, ``--tyro-print-completion bash``.
    """
    app = tyro.extras.SubcommandApp()
    for name, place in places.items():
        app.command(name=name)(with_shared(resolve_name(place)))
    app.cli(prog="equibid", args=words)


def with_shared(command: Callable[..., Path | None]) -> Callable[..., None]:
    """The command with the options that commands share.

    ``--plugin`` names files that are imported first. A command that gives a folder also has
    ``--quiet`` and ``--json``.
    """
    known = signature(command)
    shared = ALL | (FOLDERS if known.return_annotation in (Path, Path | None) else {})

    @wraps(command)
    def run(
        *args: Any,
        plugin: Sequence[str] = (),
        quiet: bool = False,
        as_json: bool = False,
        **settings: Any,
    ) -> None:
        for name in plugin:
            load(name)
        if quiet and as_json:
            raise InputError("--quiet and --json say what to print; name one of them")
        if not (quiet or as_json):
            command(*args, **settings)
            return
        with silence():
            folder = command(*args, **settings)
        if folder is None:
            raise InputError("this makes no run folder; leave --quiet and --json out")
        sys.stdout.write(f"{json.dumps(told(folder)) if as_json else folder}\n")

    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=() if name in ALL else False, annotation=x)
        for name, x in shared.items()
    ]
    run.__signature__ = known.replace(  # pyright: ignore
        parameters=[*known.parameters.values(), *options], return_annotation=None
    )
    # Hints are read from the function that is wrapped where there is one.
    del run.__wrapped__
    run.__annotations__ = {**command.__annotations__, **shared, "return": None}
    return run


def told(folder: Path) -> dict[str, Any]:
    """What ``--json`` prints of a finished run: its folder, command and market, and its table.

    A run over several campaigns has them under ``runs``, one a campaign. Of a map of columns, which
    is no run, it is the file.
    """
    if folder.is_file():
        return {"file": str(folder)}
    from equibid.runs.past import runs_of  # noqa: PLC0415

    parts = [
        {"folder": str(x.folder), "command": x.kind, "market": x.market, "table": x.rows()}
        for x in runs_of(folder)
    ]
    return parts[0] if len(parts) == 1 else {"folder": str(folder), "runs": parts}

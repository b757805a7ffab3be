"""A command is called: its module is imported, its plugins are, its words become its settings."""

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import Parameter, signature
from pkgutil import resolve_name
from typing import Annotated, Any

import tyro

from equibid.plugins import load

Plugins = Annotated[
    tuple[str, ...],
    tyro.conf.UseAppendAction,
    tyro.conf.arg(
        help="A Python file (or an installed module) of your own bidders, auctions, readers or "
        "algorithms; name it once for every file.",
    ),
]


def call(name: str, place: str, words: Sequence[str]) -> None:
    """Call a command with the words that follow its name.

    Args:
        name: of the command.
        place: of its function, as ``equibid.cli.compare:compare``.
        words: that follow.
    """
    command = with_plugins(resolve_name(place))
    tyro.cli(command, prog=f"equibid {name}", args=words)


def with_plugins(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the option ``--plugin``, whose files are imported first."""

    @wraps(command)
    def run(*args: Any, plugin: Plugins = (), **settings: Any) -> None:
        for name in plugin:
            load(name)
        command(*args, **settings)

    known = signature(command)
    option = Parameter("plugin", Parameter.KEYWORD_ONLY, default=(), annotation=Plugins)
    parameters = [*known.parameters.values(), option]
    run.__signature__ = known.replace(parameters=parameters)  # pyright: ignore
    # Hints are read from the function that is wrapped where there is one.
    del run.__wrapped__
    run.__annotations__ = {**command.__annotations__, "plugin": Plugins}
    return run

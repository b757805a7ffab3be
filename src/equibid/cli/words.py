"""The words of a command line: which commands and options there are, and ``--plugin``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import tyro

from equibid.errors import InputError, near
from equibid.plugins import load

Plugins = Annotated[
    tuple[str, ...],
    tyro.conf.UseAppendAction,
    tyro.conf.arg(
        help="A Python file (or an installed module) of your own bidders, auctions, readers or "
        "algorithms; name it once for every file.",
    ),
]


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


def check_words(commands: Mapping[str, Callable[..., None]], words: Sequence[str]) -> None:
    """Refuse a command or an option that there is not, with the names that may have been meant.

    Raises:
        InputError: there is none.
    """
    if not words or words[0].startswith("-"):
        return
    command, *rest = words
    if command not in commands:
        others = near(command, commands) or list(commands)
        raise InputError(f"there is no command {command!r}; try {', '.join(others)}")
    options = {*options_of(commands[command]), "--plugin", "--help"}
    for word in rest:
        name = word.partition("=")[0].replace("_", "-")
        if word.startswith("--") and name not in options:
            others = near(name, options) or [x for x in options if name.strip("-") in x]
            hint = f"try {', '.join(others)}" if others else f"see equibid {command} --help"
            raise InputError(f"equibid {command} has no option {name}; {hint}")


def options_of(command: Callable[..., None]) -> set[str]:
    """The options of a command, as they are typed; positional arguments count too."""
    kinds: dict[str, Any] = {}
    for name, kind in get_type_hints(command, include_extras=True).items():
        inner, *marks = get_args(kind) if get_origin(kind) is Annotated else (kind,)
        if is_dataclass(inner):
            kinds |= {field.name: field.type for field in fields(inner)}
        else:
            kinds[next((x.name for x in marks if getattr(x, "name", None)), name)] = inner
    words = {name.replace("_", "-"): kind for name, kind in kinds.items()}
    flags = {f"--no-{name}" for name, kind in words.items() if kind is bool}
    return {f"--{name}" for name in words} | flags

"""Settings of a generated market as a TOML file that people read and edit.

Every field of `Generator` is a key at the top level; the auction is written as `auction_named`
takes it, as in ``gsp:reserve=0.01``.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from equibid.auctions.clearing import Auction
from equibid.auctions.registry import AUCTIONS, auction_named
from equibid.errors import InputError, input_error
from equibid.files import read_toml
from equibid.markets.settings import Generator

FIELDS = {field.name: field for field in fields(Generator)}
NEEDED = tuple(name for name, field in FIELDS.items() if field.default is MISSING)
WIDEST = 100


def read_market(path: Path) -> Generator:
    """The settings in a file.

    Raises:
        InputError: the file cannot be read or is no TOML, or a setting is unknown, missing, of
            another type or out of its range; the sentence names the file and the field.
    """
    table = read_toml(path)
    for name in table:
        if name not in FIELDS:
            near = get_close_matches(name, FIELDS, n=1) or list(FIELDS)
            raise input_error(path, f"there is no setting {name!r}; try {', '.join(near)}")
    missing = [name for name in NEEDED if name not in table]
    if missing:
        raise input_error(path, f"{', '.join(missing)} must be there")
    try:
        return Generator(**{name: _setting(name, x) for name, x in table.items()})
    except InputError as error:
        raise input_error(path, str(error)) from error


def market_text(
    settings: Generator, comments: Mapping[str, str] | None = None, about: str = ""
) -> str:
    """The text of a file that `read_market` reads back to equal settings.

    Args:
        settings: of the market.
        comments: a line above a setting, by its name.
        about: lines at the top.
    """
    comments = comments or {}
    lines = _wrapped(about)
    for name in FIELDS:
        if name in comments:
            lines += ["", *_wrapped(comments[name])]
        lines.append(f"{name} = {setting_text(getattr(settings, name))}")
    return "\n".join(lines).strip() + "\n"


def setting_text(x: Any) -> str:
    """A setting as TOML writes it.

    Raises:
        InputError: it is an auction without a name.
    """
    if isinstance(x, str):
        # TOML escapes as JSON does, and one more character.
        return json.dumps(x, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(x, tuple):
        return f"[{', '.join(map(setting_text, x))}]"
    if isinstance(x, int | float):
        return repr(x)
    return json.dumps(auction_text(x))


def auction_text(auction: Auction) -> str:
    """The words that `auction_named` takes for a rule.

    Raises:
        InputError: the rule is none of the named ones.
    """
    for name in AUCTIONS:
        if AUCTIONS[name]() == auction:
            return name
    for setting in ("reserve", "temperature"):
        if hasattr(auction, setting):
            for name in AUCTIONS:
                text = f"{name}:{setting}={getattr(auction, setting)!r}"
                try:
                    if auction_named(text) == auction:
                        return text
                except InputError:
                    continue
    raise InputError(f"auction {auction} has no name to write; use one of `equibid list`")


def _setting(name: str, x: Any) -> Any:
    """A value of TOML as the settings take it.

    Raises:
        InputError: it is of another type.
    """
    if name in {"name", "auction"}:
        if not isinstance(x, str) or not x:
            raise InputError(f"{name} must be a text in quotes, not {x!r}")
        return auction_named(x) if name == "auction" else x
    if name == "reach":
        pair = isinstance(x, list) and len(x) == 2
        if not pair or any(isinstance(end, bool) or not isinstance(end, int | float) for end in x):
            raise InputError(f"reach must be two numbers, as in [0.1, 0.9], not {x!r}")
        return tuple(x)
    if isinstance(x, bool) or not isinstance(x, int | float):
        raise InputError(f"{name} must be a number, not {x!r}")
    return x


def _wrapped(text: str) -> list[str]:
    """Comment lines."""
    lines, line = [], "#"
    for word in text.split():
        if len(line) + 1 + len(word) > WIDEST:
            lines.append(line)
            line = "#"
        line += f" {word}"
    return [*lines, line] if text else []

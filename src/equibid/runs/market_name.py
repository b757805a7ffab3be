"""Whether a word names a market; nothing is imported for it."""

from collections.abc import Iterable
from pathlib import Path

from equibid.errors import InputError, near


def check_market(market: str, names: Iterable[str]) -> None:
    """Refuse what is neither the name of a generated market nor a file.

    Args:
        market: a word of the command line.
        names: of generated markets.

    Raises:
        InputError: there is no such market.
    """
    known = list(names)
    if market in known or market.endswith(".toml") or exists(market):
        return
    others = near(market, known)
    hint = f"try {', '.join(others)}" if others else f"these are {', '.join(known)}"
    raise InputError(
        f"{market} is neither a file nor a generated market; {hint}, or see `equibid list`"
    )


def exists(path: str) -> bool:
    """Whether there is such a file or folder, or the system will not say."""
    try:
        return Path(path).exists()
    except OSError:
        return True

"""The one error a user sees, and the names that may have been meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class InputError(ValueError):
    """Input that cannot be used: one sentence that names the place and the mend.

    The command line prints it without a traceback and exits with code 2.
    """


def input_error(path: Path, problem: str, line: int | None = None) -> InputError:
    """`InputError` for a place in a file: ``path, line 7: problem``."""
    place = f"{path}" if line is None else f"{path}, line {line}"
    return InputError(f"{place}: {problem}")


class UnsuitableError(InputError):
    """A bidder that is not made for the auction it was asked to bid in."""


def near(word: str, names: Iterable[str], most: int = 3) -> list[str]:
    """The names that may have been meant by a word: those alike, then those that begin with it."""
    known = sorted(names)
    alike = get_close_matches(word.lower(), known, n=most)
    longer = [name for name in known if len(word) > 1 and name.startswith(word.lower())]
    return list(dict.fromkeys([*alike, *longer]))[:most]

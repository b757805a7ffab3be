"""The one error a user sees."""

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

"""Read a log without knowing its format."""

from pathlib import Path

from equibid.errors import input_error
from equibid.logs.recording import Recording
from equibid.logs.registry import READERS, Reader


def read_log(path: Path | str, format: str | None = None) -> list[Recording]:
    """All recordings of a file or folder.

    Args:
        path: of the log.
        format: a name in `READERS`; None finds the one format that recognises the path.

    Raises:
        InputError: there is nothing at `path`, no format or more than one recognises it, what it
            holds cannot be used, or two recordings have one name; the sentence names the file, and
            the line or field.
    """
    path = Path(path)
    if not path.exists():
        raise input_error(path, "there is no such file or folder")
    recordings = _reader(path, format).read(path)
    names = [recording.name for recording in recordings]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise input_error(path, f"two of its logs are called {twice}; put them into folders apart")
    return recordings


def _reader(path: Path, format: str | None) -> Reader:
    """The one that was named, or that recognises the path."""
    if format is not None:
        return READERS[format]
    fitting = [name for name in READERS if READERS[name].recognises(path)]
    if len(fitting) > 1:
        raise input_error(path, f"could be {' or '.join(fitting)}; name one as the format")
    if not fitting:
        raise input_error(
            path, f"no log format recognises it, tried {', '.join(READERS)}; name one as the format"
        )
    return READERS[fitting[0]]

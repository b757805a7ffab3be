"""Read a log without knowing its format."""

from pathlib import Path

from equibid.errors import InputError, input_error
from equibid.logs.importing.form import FORMS
from equibid.logs.raw import read_raw
from equibid.logs.recording import Recording
from equibid.logs.registry import READERS


def read_log(path: Path | str, format: str | None = None) -> list[Recording]:
    """All recordings of a file or folder.

    Args:
        path: of the log.
        format: a name in `READERS` (folders that Equibid wrote) or in `FORMS` (logs as they lie);
            None finds the one that recognises the path.

    Raises:
        InputError: there is nothing at `path`, no format or more than one recognises it, what it
            holds cannot be used, or two recordings have one name; the sentence names the file, and
            the line or field.
    """
    path = Path(path)
    if not path.exists():
        raise input_error(path, "there is no such file or folder")
    recordings = _read(path, format)
    names = [recording.name for recording in recordings]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise input_error(path, f"two of its logs are called {twice}; put them into folders apart")
    return recordings


def _read(path: Path, format: str | None) -> list[Recording]:
    if format is not None and format in READERS:
        return READERS[format].read(path)
    if format is None:
        for name in READERS:
            if READERS[name].recognises(path):
                return READERS[name].read(path)
    elif format not in FORMS:
        try:
            FORMS[format]
        except InputError as error:
            raise InputError(f"--format {format}: {error}, or {', '.join(READERS)}") from error
    return read_raw(path, format)

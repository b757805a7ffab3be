"""Read a log without knowing its format."""

from pathlib import Path

from equibid.errors import InputError, input_error
from equibid.logs.dataset import LogDataset
from equibid.logs.importing.schema import SCHEMAS
from equibid.logs.raw import read_raw
from equibid.logs.registry import READERS


def read_log(path: Path | str, format: str | None = None) -> list[LogDataset]:
    """All datasets of a file or folder.

    Args:
        path: of the log.
        format: a name in `READERS` (folders that Equibid wrote) or in `SCHEMAS` (logs as they lie);
            None finds the one that recognises the path.

    Raises:
        InputError: there is nothing at `path`, no format or more than one recognises it, what it
            holds cannot be used, or two datasets have one name; the sentence names the file, and
            the line or field.
    """
    path = Path(path)
    if not path.exists():
        raise input_error(path, "there is no such file or folder")
    datasets = _read(path, format)
    names = [dataset.name for dataset in datasets]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise input_error(path, f"two of its logs are called {twice}; put them into folders apart")
    return datasets


def _read(path: Path, format: str | None) -> list[LogDataset]:
    if format is not None and format in READERS:
        return READERS[format].read(path)
    if format is None:
        for name in READERS:
            if READERS[name].recognises(path):
                return READERS[name].read(path)
    elif format not in SCHEMAS:
        try:
            SCHEMAS[format]
        except InputError as error:
            raise InputError(f"--format {format}: {error}, or {', '.join(READERS)}") from error
    return read_raw(path, format)

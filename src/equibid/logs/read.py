"""Read a log without knowing its format."""

from pathlib import Path

from equibid.errors import input_error
from equibid.logs.recording import Recording
from equibid.logs.registry import READERS


def read_log(path: Path | str, format: str | None = None) -> list[Recording]:
    """All recordings of a file or folder.

    Args:
        path: of the log.
        format: a name in `READERS`; None finds the one format that recognises the path.

    Raises:
        InputError: there is nothing at `path`, no format or more than one recognises it, or what
            it holds cannot be used; the sentence names the file, and the line or field.
    """
    path = Path(path)
    if not path.exists():
        raise input_error(path, "there is no such file or folder")
    if format is not None:
        return READERS[format].read(path)
    fitting = [name for name in READERS if READERS[name].recognises(path)]
    if len(fitting) > 1:
        raise input_error(path, f"could be {' or '.join(fitting)}; name one as the format")
    if not fitting:
        raise input_error(
            path, f"no log format recognises it, tried {', '.join(READERS)}; name one as the format"
        )
    return READERS[fitting[0]].read(path)

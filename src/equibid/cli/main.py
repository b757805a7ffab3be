"""The command ``equibid``."""

import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NoReturn
from unicodedata import category

import jax
import tyro
from polars.exceptions import PanicException

from equibid.cli.certify import certify
from equibid.cli.compare import compare
from equibid.cli.console import plain_console, take_any_text
from equibid.cli.demo import demo
from equibid.cli.fit import fit
from equibid.cli.importing import import_
from equibid.cli.listing import list_
from equibid.cli.report import report
from equibid.cli.solve import solve
from equibid.cli.sweep import sweep
from equibid.cli.train import train_
from equibid.cli.trials import end_with_caller
from equibid.cli.values import values
from equibid.cli.words import check_words, with_plugins
from equibid.errors import InputError
from equibid.plugins import load_installed

# Of sysexits.h: an error inside the program.
FAULT = 70

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "import": import_,
    "compare": compare,
    "solve": solve,
    "certify": certify,
    "train": train_,
    "sweep": sweep,
    "values": values,
    "fit": fit,
    "report": report,
    "list": list_,
}
APP = tyro.extras.SubcommandApp()
for _name, _command in COMMANDS.items():
    APP.command(name=_name)(with_plugins(_command))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; whatever goes wrong ends with one sentence.

    Exit codes: 2 for what was asked wrongly or cannot be read or written, 70 for a fault of the
    program, 130 for a stop by the user.
    """
    end_with_caller()
    keep_compiled_programs()
    take_any_text()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        legible(words)
        check_words(COMMANDS, words)
        for sentence in load_installed():
            plain_console(stderr=True).print(f"equibid: {sentence}", soft_wrap=True)
        APP.cli(
            prog="equibid",
            description="Auto-bidding in real-time ad auctions: who wins, and by how much.",
            args=words,
        )
    except InputError as error:
        end(2, str(error))
    except KeyboardInterrupt:
        end(130, "stopped; the same command goes on from here")
    except BrokenPipeError:
        # Who reads (`| head`) has enough; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        end(2, f"{place}it cannot be read or written ({error.strerror or error})")
    except (Exception, PanicException) as error:
        if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
            end(2, "this does not fit into memory; ask for a smaller market, or for fewer at once")
        end(FAULT, fault(error))


def legible(words: Sequence[str]) -> None:
    """Refuse words that no file or setting can be called.

    Raises:
        InputError: one has a NUL character, or was not in the encoding of this machine.
    """
    for word in words:
        if "\0" in word:
            raise InputError(f"{word!r} holds a NUL character; leave it out")
        if any(category(x) == "Cs" for x in word):
            raise InputError(f"{word!r} is not in UTF-8; give the file another name")


def end(code: int, sentence: str) -> NoReturn:
    """Say why, and end. Words that nobody could read to their end are shortened."""
    line = re.sub(r"\s*\n\s*", " ", sentence)
    line = re.sub(r"\S{400,}", lambda word: f"{word[0][:80]}…{word[0][-40:]}", line)
    plain_console(stderr=True).print(f"equibid: {line}", soft_wrap=True)
    sys.exit(code)


def fault(error: BaseException) -> str:
    """What to say of an error that no input should lead to; its traceback goes to a file."""
    lines = "".join(traceback.format_exception(error))
    what = f"{type(error).__name__}: {str(error)[:200]}"
    try:
        with NamedTemporaryFile("wb", prefix="equibid-", suffix=".txt", delete=False) as file:
            file.write(lines.encode("utf-8", "backslashreplace"))
    except OSError:
        return f"this is a fault of Equibid ({what}); please report it with this: {lines}"
    return f"this is a fault of Equibid ({what}); please report it, with the file {file.name}"


def keep_compiled_programs() -> None:
    """Keep XLA's programs between runs, where the user's caches are."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    jax.config.update("jax_compilation_cache_dir", str(home / "equibid" / "jax"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


if __name__ == "__main__":
    main()

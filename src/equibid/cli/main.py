"""The command ``equibid``.

Only what every call needs is imported here: names are checked, and help is given, before JAX is
there. A command is imported when it is called.
"""

import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple, NoReturn

from rich.console import Console

import equibid
from equibid.cli.caller import end_with_caller
from equibid.cli.console import plain_console, plain_table, take_any_text
from equibid.cli.names import show_names
from equibid.cli.words import check_text, check_words
from equibid.errors import InputError
from equibid.jax_settings import set_jax
from equibid.plugins import load_installed

# Of sysexits.h: an error inside the program.
FAULT = 70
# Options of tyro, which know all commands.
COMPLETION = ("--tyro-print-completion", "--tyro-write-completion")


class Command(NamedTuple):
    """A command by name.

    Attributes:
        place: of its function, as ``module:function``.
        summary: the first line of the function's docstring.
    """

    place: str
    summary: str


COMMANDS = {
    "demo": Command(
        "equibid.cli.demo:demo",
        "Generate a market of 24 advertisers, let classic bidders meet in it, and rank them.",
    ),
    "import": Command(
        "equibid.cli.importing:import_",
        "Import a log: good rows to Parquet, bad ones to a quarantine file, none lost.",
    ),
    "compare": Command(
        "equibid.cli.compare:compare",
        "Rank bidders on a market, with a table, Parquet files and an HTML report.",
    ),
    "solve": Command(
        "equibid.cli.solve:solve",
        "Find an equilibrium of a market and prove how much anybody could gain by leaving it.",
    ),
    "frontier": Command(
        "equibid.cli.frontier:frontier",
        "Find the most welfare of a market at each gain that advertisers may leave.",
    ),
    "certify": Command(
        "equibid.cli.certify:certify",
        "Prove how much any advertiser could gain by leaving a profile of factors.",
    ),
    "exploit": Command(
        "equibid.cli.exploit:exploit",
        "Find how much an advertiser gains by leaving a bidder that all use, while others react.",
    ),
    "train": Command(
        "equibid.cli.train:train",
        "Let an algorithm learn to bid on a market.",
    ),
    "sweep": Command(
        "equibid.cli.sweep:sweep",
        "Train with every combination of some settings, and rank them by what the judge says.",
    ),
    "values": Command(
        "equibid.cli.values:values",
        "Train what impressions are worth on logs, and make a market of the predictions.",
    ),
    "fit": Command(
        "equibid.cli.fit:fit",
        "Fit a generated market to a log, and show how like it is.",
    ),
    "report": Command(
        "equibid.cli.report:report",
        "Make the report of a run anew, or one of several runs of a kind side by side.",
    ),
    "runs": Command(
        "equibid.cli.past:runs",
        "List run folders: the command, its market, when, and whether it is finished.",
    ),
    "show": Command(
        "equibid.cli.past:show",
        "Print what a finished run came to, from its folder alone.",
    ),
    "list": Command(
        "equibid.cli.listing:list_",
        "List by name: markets, logs, bidders, auctions, methods, objectives, algorithms, rewards.",
    ),
}
PLACES = {name: command.place for name, command in COMMANDS.items()}


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
        answer(words)
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
    except BaseException as error:
        # Polars, which is not imported here, panics with what is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
            end(2, "this does not fit into memory; ask for a smaller market, or for fewer at once")
        end(FAULT, fault(error))


def answer(words: Sequence[str]) -> None:
    """Do what the words of a command line ask for.

    Raises:
        InputError: they ask for nothing that there is.
    """
    check_text(words)
    if not words or words[0] in ("--help", "-h"):
        print_help(plain_console())
        sys.exit(0 if words else 2)
    if words[0] == "--version":
        plain_console().print(f"equibid {equibid.__version__}")
        return
    for sentence in load_installed():
        plain_console(stderr=True).print(f"equibid: {sentence}", soft_wrap=True)
    completion = words[0].replace("_", "-") in COMPLETION
    if not completion:
        check_words(PLACES, words)
    if list(words) == ["list"]:
        show_names(plain_console())
        return
    # With it comes tyro, which reads the words.
    from equibid.cli.calling import call, complete  # noqa: PLC0415

    if completion:
        complete(PLACES, words)
        return
    call(words[0], PLACES[words[0]], words[1:])


def print_help(console: Console) -> None:
    """Print what commands there are."""
    console.print("usage: equibid COMMAND …\n")
    console.print("Auto-bidding in real-time ad auctions: who wins, and by how much.\n")
    table = plain_table("Commands")
    table.add_column("", style="cyan", no_wrap=True)
    table.add_column("")
    for name, command in COMMANDS.items():
        table.add_row(name, command.summary)
    table.show_header = False
    console.print(table)
    console.print("\n`equibid COMMAND --help` shows the options of a command, with examples.")
    console.print("`equibid list` names what commands take. `equibid --version` tells the version.")


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
    set_jax("jax_compilation_cache_dir", str(home / "equibid" / "jax"))
    set_jax("jax_persistent_cache_min_compile_time_secs", 0.0)


if __name__ == "__main__":
    main()

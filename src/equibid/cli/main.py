"""The command ``equibid``."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import jax
import tyro
from rich.console import Console

from equibid.cli.certify import certify
from equibid.cli.compare import compare
from equibid.cli.demo import demo
from equibid.cli.fit import fit
from equibid.cli.importing import import_
from equibid.cli.listing import list_
from equibid.cli.report import report
from equibid.cli.solve import solve
from equibid.cli.sweep import sweep
from equibid.cli.train import train_
from equibid.cli.values import values
from equibid.errors import InputError

APP = tyro.extras.SubcommandApp()
APP.command(name="demo")(demo)
APP.command(name="import")(import_)
APP.command(name="compare")(compare)
APP.command(name="solve")(solve)
APP.command(name="certify")(certify)
APP.command(name="train")(train_)
APP.command(name="sweep")(sweep)
APP.command(name="values")(values)
APP.command(name="fit")(fit)
APP.command(name="report")(report)
APP.command(name="list")(list_)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; bad input ends with one sentence and exit code 2."""
    keep_compiled_programs()
    trouble = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        APP.cli(
            prog="equibid",
            description="Auto-bidding in real-time ad auctions: who wins, and by how much.",
            args=arguments,
        )
    except InputError as error:
        trouble.print(f"equibid: {error}", markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        trouble.print("equibid: stopped; the same command goes on from here", markup=False)
        sys.exit(130)
    except BrokenPipeError:
        # Who reads (`| head`) has enough; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def keep_compiled_programs() -> None:
    """Keep XLA's programs between runs, where the user's caches are."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    jax.config.update("jax_compilation_cache_dir", str(home / "equibid" / "jax"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


if __name__ == "__main__":
    main()

"""The command ``equibid``."""

import os
import sys
from collections.abc import Callable, Sequence
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
from equibid.cli.trials import end_with_caller
from equibid.cli.values import values
from equibid.cli.words import check_words, with_plugins
from equibid.errors import InputError
from equibid.plugins import load_installed

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
    """Run a command; bad input ends with one sentence and exit code 2."""
    end_with_caller()
    keep_compiled_programs()
    trouble = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        check_words(COMMANDS, sys.argv[1:] if arguments is None else arguments)
        for sentence in load_installed():
            trouble.print(f"equibid: {sentence}", markup=False)
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

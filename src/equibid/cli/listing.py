"""``equibid list``: what there is by name, and the settings of what is named."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.text import Text

from equibid.auctions import AUCTIONS
from equibid.bidders import BIDDERS
from equibid.cli.console import plain_console
from equibid.cli.table import plain_table
from equibid.envs import OBSERVERS, REWARDS
from equibid.equilibrium.objectives import OBJECTIVES
from equibid.equilibrium.solvers.registry import SOLVERS
from equibid.errors import InputError, near
from equibid.learning import ALGORITHMS
from equibid.logs import READERS
from equibid.logs.importing import SCHEMAS
from equibid.markets import MARKETS
from equibid.registry import Registry, settings_of
from equibid.settings import as_text, described, told

TITLES: dict[str, Registry[Any]] = {
    "Markets (generated)": MARKETS,
    "Logs (forms that are imported or played)": SCHEMAS,
    "Folders that are played as logs": READERS,
    "Bidders (settings as in pid-ecpc:reference=40,kp=0.5)": BIDDERS,
    "Auctions (settings as in gsp:reserve=0.01)": AUCTIONS,
    "Methods (of equibid solve)": SOLVERS,
    "Objectives (of equibid solve)": OBJECTIVES,
    "Algorithms (of equibid train)": ALGORITHMS,
    "Rewards (--set reward=NAME)": REWARDS,
    "Observers (--set observer=NAME+NAME)": OBSERVERS,
}
# Those whose entries take settings after a colon.
WITH_SETTINGS = (BIDDERS, AUCTIONS, OBJECTIVES, REWARDS)


def list_(
    names: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        tyro.conf.arg(help="Whose settings to show; by default everything is listed by name."),
    ] = (),
) -> None:
    """List by name: markets, logs, bidders, auctions, methods, objectives, algorithms, rewards.

    Example: equibid list

    Example: equibid list pid-ecpc
    """
    console = plain_console()
    for name in names:
        show_settings(console, name)
    if names:
        return
    for title, registry in TITLES.items():
        table = plain_table(title)
        table.add_column("name", style="cyan", no_wrap=True)
        table.add_column("")
        for name in registry:
            table.add_row(name, Text(registry.summaries[name]) + brief(registry, name))
        console.print(table)
        console.print()


def show_settings(console: Console, name: str) -> None:
    """Print the settings of whatever has this name.

    Raises:
        InputError: nothing has.
    """
    found = {title: registry for title, registry in TITLES.items() if name in registry}
    if not found:
        names = near(name, {name for registry in TITLES.values() for name in registry})
        hint = f"try {', '.join(names)}" if names else "see `equibid list`"
        raise InputError(f"there is nothing called {name!r}; {hint}")
    for registry in found.values():
        table = plain_table(f"{registry.kind} {name}: {registry.summaries[name]}")
        for title in ("setting", "is", "takes", ""):
            table.add_column(title, no_wrap=title in ("setting", "is"))
        for row in settings_in(registry, name):
            table.add_row(*row)
        console.print(table if table.row_count else table.title)
        if registry in WITH_SETTINGS and not table.row_count:
            console.print("It has no settings.")
        console.print()


def settings_in(registry: Registry[Any], name: str) -> Iterator[tuple[str, str, str, str]]:
    """Each setting of an entry: its name, its default, what it takes, what it means."""
    if registry in WITH_SETTINGS:
        for setting, x in settings_of(registry[name]).items():
            yield setting, as_text(x.default), told(x.kind), x.meaning
    elif registry is ALGORITHMS and is_dataclass(algorithm := ALGORITHMS[name]()):
        for setting, value, meaning in described(algorithm):
            yield setting, value, "", meaning


def brief(registry: Registry[Any], name: str) -> Text:
    """The settings of an entry with their defaults, on a line of their own."""
    if registry not in WITH_SETTINGS:
        return Text()
    words = [f"{setting}={value}" for setting, value, *_ in settings_in(registry, name)]
    return Text("\n" + ", ".join(words), style="dim") if words else Text()

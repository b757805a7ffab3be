"""What there is by name, and the settings of what is named; nothing is imported for the names."""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from equibid.cli.console import plain_table
from equibid.cli.declared import names_in, only_text
from equibid.errors import InputError, near
from equibid.settings import as_text, described, told

if TYPE_CHECKING:
    from equibid.registry import Registry

# Titles by the places of registries.
TITLES = {
    "equibid.markets:MARKETS": "Markets (generated)",
    "equibid.logs.importing:SCHEMAS": "Logs (forms that are imported or played)",
    "equibid.logs:READERS": "Folders that are played as logs",
    "equibid.bidders:BIDDERS": "Bidders (settings as in pid-ecpc:reference=40,kp=0.5)",
    "equibid.auctions:AUCTIONS": "Auctions (settings as in gsp:reserve=0.01)",
    "equibid.equilibrium:SOLVERS": "Methods (of equibid solve; as in search:epsilon=0.01)",
    "equibid.equilibrium:OBJECTIVES": "Objectives (of equibid solve; as in mix:revenue=0.02)",
    "equibid.learning:ALGORITHMS": "Algorithms (of equibid train)",
    "equibid.envs:REWARDS": "Rewards (--set reward=NAME)",
    "equibid.envs:OBSERVERS": "Observers (--set observer=NAME+NAME)",
}
# Whose entries take settings after a colon.
WITH_SETTINGS = {"bidder", "auction", "method", "objective", "reward"}


def show_names(console: Console, settings: bool = False) -> None:
    """Print all names, a table a kind; with the settings of what takes some, too."""
    for place, title in TITLES.items():
        table = plain_table(title)
        table.add_column("name", style="cyan", no_wrap=True)
        table.add_column("")
        for name, sentence in summaries(place).items():
            more = brief(resolve_name(place), name) if settings else Text()
            table.add_row(name, Text(sentence) + more)
        console.print(table)
        console.print()


def summaries(place: str) -> Mapping[str, str]:
    """The names in a registry with their sentences, without importing it where that can be.

    Args:
        place: of the registry, as ``equibid.bidders:BIDDERS``.
    """
    return names_in(place.partition(":")[2]) if only_text() else resolve_name(place).summaries


def check_names(names: tuple[str, ...]) -> None:
    """Refuse names of nothing.

    Raises:
        InputError: there is nothing of one of the names.
    """
    known = {name for place in TITLES for name in summaries(place)}
    for name in names:
        if name not in known:
            others = near(name, known)
            hint = f"try {', '.join(others)}" if others else "see `equibid list`"
            raise InputError(f"there is nothing called {name!r}; {hint}")


def show_settings(console: Console, name: str) -> None:
    """Print the settings of whatever has this name."""
    for registry in map(resolve_name, TITLES):
        if name not in registry:
            continue
        table = plain_table(f"{registry.kind} {name}: {registry.summaries[name]}")
        for title in ("setting", "is", "takes", ""):
            table.add_column(title, no_wrap=title in ("setting", "is"))
        for row in settings_in(registry, name):
            table.add_row(*row)
        console.print(table if table.row_count else table.title)
        if registry.kind in WITH_SETTINGS and not table.row_count:
            console.print("It has no settings.")
        console.print()


def settings_in(registry: "Registry[Any]", name: str) -> Iterator[tuple[str, str, str, str]]:
    """Each setting of an entry: its name, its default, what it takes, what it means."""
    # To import it means that a registry was made; see `only_text`.
    from equibid.registry import settings_of  # noqa: PLC0415

    if registry.kind in WITH_SETTINGS:
        for setting, x in settings_of(registry[name]).items():
            yield setting, as_text(x.default), told(x.kind), x.meaning
    elif registry.kind == "algorithm" and is_dataclass(algorithm := registry[name]()):
        yield from described(algorithm)


def brief(registry: "Registry[Any]", name: str) -> Text:
    """The settings of an entry with their defaults, on a line of their own."""
    if registry.kind not in WITH_SETTINGS:
        return Text()
    words = [f"{setting}={value}" for setting, value, *_ in settings_in(registry, name)]
    return Text("\n" + ", ".join(words), style="dim") if words else Text()

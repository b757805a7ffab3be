"""``equibid list``: what there is by name."""

from rich.table import Table

from equibid.auctions import AUCTIONS
from equibid.bidders import BIDDERS
from equibid.cli.console import plain_console
from equibid.cli.table import plain_table
from equibid.equilibrium.objectives import OBJECTIVES
from equibid.equilibrium.solvers import SOLVERS
from equibid.learning import ALGORITHMS
from equibid.logs import READERS
from equibid.logs.importing import FORMS
from equibid.markets import MARKETS
from equibid.registry import Registry
from equibid.simulation.markov import OBSERVERS, REWARDS


def list_() -> None:
    """List by name: markets, logs, bidders, auctions, methods, objectives, algorithms, rewards.

    Example: equibid list
    """
    console = plain_console()
    for title, registry in (
        ("Markets (generated)", MARKETS),
        ("Logs (forms that are imported or played)", FORMS),
        ("Folders that are played as logs", READERS),
        ("Bidders", BIDDERS),
        ("Auctions", AUCTIONS),
        ("Methods (of equibid solve)", SOLVERS),
        ("Objectives (of equibid solve)", OBJECTIVES),
        ("Algorithms (of equibid train)", ALGORITHMS),
        ("Rewards (--set reward=NAME)", REWARDS),
        ("Observers (--set observer=NAME+NAME)", OBSERVERS),
    ):
        console.print(_table(title, registry))
        console.print()


def _table(title: str, registry: Registry) -> Table:
    table = plain_table(title)
    table.add_column("name", style="cyan", no_wrap=True)
    table.add_column("")
    for name in registry:
        table.add_row(name, registry.summaries[name])
    return table

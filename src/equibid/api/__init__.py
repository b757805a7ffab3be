"""What commands do, as functions: ``equibid.compare("demo", ["lin", "pacing"], seeds=5).ranking``.

A function takes what its command takes, writes the same run folder with the same report, prints
nothing, and gives a result that shows itself in a notebook. An option of the command has
underscores: ``market_seed=3`` for ``--market-seed 3``.
"""

from equibid.api.commands import (
    certify,
    compare,
    exploit,
    fit,
    frontier,
    import_log,
    solve,
    train,
)
from equibid.api.results import (
    Certificates,
    Compared,
    Exploited,
    Fitted,
    Frontier,
    Imported,
    Result,
    Solved,
    Trained,
)

__all__ = [
    "Certificates",
    "Compared",
    "Exploited",
    "Fitted",
    "Frontier",
    "Imported",
    "Result",
    "Solved",
    "Trained",
    "certify",
    "compare",
    "exploit",
    "fit",
    "frontier",
    "import_log",
    "solve",
    "train",
]

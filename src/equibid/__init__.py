"""Equibid: auto-bidding in real-time ad auctions, from logs to a ranked table.

What most programs need is here, and imported when it is asked for: the commands as functions
(`compare`, `solve`, `frontier`, `certify`, `exploit`, `train`, `fit`, `import_log`), markets
(`MARKETS`, `read_log`), auction rules (`AUCTIONS`, `gsp`), bidders (`BIDDERS`, and `Bidder` for
one's own), the simulation (`simulate`), environments (`market_env`), games (`game_of`) and what was
learnt (`ALGORITHMS`, `load_policy`). The packages hold the rest.

Axis names used everywhere: ``S`` seeds or markets, ``T`` ticks, ``K`` impressions, ``N``
advertisers, ``C`` candidates of an impression, ``L`` slots, ``B`` impressions of a block.

Importing the package turns JAX's 64-bit mode on, and does not import JAX: money is kept in float64,
because a budget that is exact to the last cent cannot live in 24 bits. Values may stay float32.
"""

from typing import TYPE_CHECKING

from equibid.jax_settings import set_jax

if TYPE_CHECKING:
    from equibid.api import (
        Certificates,
        Compared,
        Exploited,
        Fitted,
        Frontier,
        Imported,
        Solved,
        Trained,
        certify,
        compare,
        exploit,
        fit,
        frontier,
        import_log,
        solve,
        train,
    )
    from equibid.auctions import AUCTIONS, Auction, first_price, gsp, second_price, soft
    from equibid.bidders import (
        BIDDERS,
        Bidder,
        FactorBidder,
        Observation,
        TrainingLog,
        training_log,
    )
    from equibid.envs import OBSERVERS, REWARDS, bidder_env, bidder_vector_env, market_env
    from equibid.equilibrium import SOLVERS, Certificate, Game, game_of
    from equibid.errors import InputError
    from equibid.learning import ALGORITHMS, policy_bidder
    from equibid.learning.training.results import load_policy
    from equibid.logs import READERS, LogDataset, read_log
    from equibid.markets import MARKETS, Generator, Market
    from equibid.simulation import Delivery, Population, everybody, simulate
    from equibid.simulation.scenario import day_before
else:
    # A type checker that saw this function would believe that there is any name.
    def __getattr__(name: str) -> object:
        """What a name stands for; the module it is in is imported for it."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


__version__ = "0.2.0"

__all__ = [
    "ALGORITHMS",
    "AUCTIONS",
    "BIDDERS",
    "MARKETS",
    "OBSERVERS",
    "READERS",
    "REWARDS",
    "SOLVERS",
    "Auction",
    "Bidder",
    "Certificate",
    "Certificates",
    "Compared",
    "Delivery",
    "Exploited",
    "FactorBidder",
    "Fitted",
    "Frontier",
    "Game",
    "Generator",
    "Imported",
    "InputError",
    "LogDataset",
    "Market",
    "Observation",
    "Population",
    "Solved",
    "Trained",
    "TrainingLog",
    "bidder_env",
    "bidder_vector_env",
    "certify",
    "compare",
    "day_before",
    "everybody",
    "exploit",
    "first_price",
    "fit",
    "frontier",
    "game_of",
    "gsp",
    "import_log",
    "load_policy",
    "market_env",
    "policy_bidder",
    "read_log",
    "second_price",
    "simulate",
    "soft",
    "solve",
    "train",
    "training_log",
]

# Where names are, by module.
_NAMES = {
    "api": "Certificates Compared Exploited Fitted Frontier Imported Solved Trained "
    "certify compare exploit fit frontier import_log solve train",
    "auctions": "AUCTIONS Auction first_price gsp second_price soft",
    "bidders": "BIDDERS Bidder FactorBidder Observation TrainingLog training_log",
    "envs": "OBSERVERS REWARDS bidder_env bidder_vector_env market_env",
    "equilibrium": "SOLVERS Certificate Game game_of",
    "errors": "InputError",
    "learning": "ALGORITHMS policy_bidder",
    "learning.training.results": "load_policy",
    "logs": "READERS LogDataset read_log",
    "markets": "MARKETS Generator Market",
    "simulation": "Delivery Population everybody simulate",
    "simulation.scenario": "day_before",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __dir__() -> list[str]:
    """The names of the package, those too that were not asked for yet."""
    return sorted({*globals(), *__all__})


set_jax("jax_enable_x64", True)

"""What is sold and to whom: markets, and generators of markets."""

from equibid.markets.auctionnet import AuctionNet, auctionnet
from equibid.markets.example import example
from equibid.markets.generate import generate
from equibid.markets.market import (
    Campaigns,
    Labels,
    Market,
    dense,
    even_ticks,
    span,
    sparse,
    split,
    validate,
)
from equibid.markets.presets import BPG_100, DEMO, NCB_1000
from equibid.markets.registry import MARKETS
from equibid.markets.scarcity import spend_at_cap
from equibid.markets.settings import Generator

__all__ = [
    "BPG_100",
    "DEMO",
    "MARKETS",
    "NCB_1000",
    "AuctionNet",
    "Campaigns",
    "Generator",
    "Labels",
    "Market",
    "auctionnet",
    "dense",
    "even_ticks",
    "example",
    "generate",
    "span",
    "sparse",
    "spend_at_cap",
    "split",
    "validate",
]

"""Pricing and allocation rules as pure functions: bids in, clearing out."""

from equibid.auctions.budgets import BudgetState, init_budgets, settle
from equibid.auctions.clearing import ABSENT, Auction, Clearing, Draws
from equibid.auctions.ranked import Ranked, auctionnet, first_price, gsp, second_price
from equibid.auctions.registry import AUCTIONS
from equibid.auctions.soft import Soft, soft, soft_hard

__all__ = [
    "ABSENT",
    "AUCTIONS",
    "Auction",
    "BudgetState",
    "Clearing",
    "Draws",
    "Ranked",
    "Soft",
    "auctionnet",
    "first_price",
    "gsp",
    "init_budgets",
    "second_price",
    "settle",
    "soft",
    "soft_hard",
]

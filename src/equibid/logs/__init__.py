"""Readers of real logs: files in, markets out."""

from equibid.logs import (  # each declares its format
    auctionnet,
    hourly,
    imported,
    ipinyou_log,
    rlb,
    value_market,
)
from equibid.logs.auctionnet import AuctionNetLog, read_auctionnet_rows
from equibid.logs.campaign import campaign_budget, with_budget, with_budget_share
from equibid.logs.read import read_log
from equibid.logs.recording import Recording, split_for_tuning
from equibid.logs.registry import READERS, Reader

__all__ = [
    "READERS",
    "AuctionNetLog",
    "Reader",
    "Recording",
    "auctionnet",
    "campaign_budget",
    "hourly",
    "imported",
    "ipinyou_log",
    "read_auctionnet_rows",
    "read_log",
    "rlb",
    "split_for_tuning",
    "value_market",
    "with_budget",
    "with_budget_share",
]

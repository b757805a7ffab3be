"""Readers of real logs: files in, markets out."""

from equibid.logs import imported, value_market  # each declares a kind of folder
from equibid.logs.auctionnet import AuctionNetLog
from equibid.logs.campaign import campaign_budget, with_budget, with_budget_share
from equibid.logs.dataset import LogDataset, split_for_tuning
from equibid.logs.raw import read_auctionnet_rows
from equibid.logs.read import read_log
from equibid.logs.registry import READERS, Reader

__all__ = [
    "READERS",
    "AuctionNetLog",
    "LogDataset",
    "Reader",
    "campaign_budget",
    "imported",
    "read_auctionnet_rows",
    "read_log",
    "split_for_tuning",
    "value_market",
    "with_budget",
    "with_budget_share",
]

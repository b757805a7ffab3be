"""Rank bidders on a generated market, and look at the tables.

Run: python examples/compare_bidders.py
"""

from pathlib import Path

import polars as pl
from rich import print

import equibid

made = equibid.compare("demo", ["lin", "pacing", "fixed"], seeds=8, impressions=4000)
print(made.ranking.select("bidder", "score", "score_low", "score_high", "budget_use"))

# Which two are told apart, on the days that all of them played.
print(made.paired)

# When they spend: money of a day, by quarters of the day.
quarter = (pl.col("tick") * 4 // (pl.col("tick").max() + 1)).alias("quarter")
spent = made.delivery.group_by("bidder", quarter).agg(pl.col("spend").sum() / 8)
print(spent.sort("quarter").pivot("quarter", index="bidder", values="spend"))

Path("ranking.tex").write_text(made.table("latex"), encoding="utf-8")
print(f"the table is in ranking.tex, the report in {made.report}")

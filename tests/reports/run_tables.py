"""A made-up run: plausible curves, known sums."""

import numpy as np
import polars as pl

from equibid.evaluation.metrics import METRICS
from equibid.markets.market import Labels
from equibid.reports.report import RunTables

NAMES = ("pacing", "pid", "lin", "ortb", "mcpc", "rlb", "dqn", "iql", "constant", *"uvwxyz")
LABELS = Labels(currency="CNY")


def run_tables(
    bidders: int = 9,
    seeds: int = 10,
    ticks: int = 48,
    advertisers: int = 24,
    reference: bool = True,
) -> RunTables:
    """A run of the size asked for; skill falls with rank."""
    rng = np.random.default_rng(7)
    names = [*NAMES[:bidders], *(["oracle"] if reference else [])]
    skill = {name: 1.08 - 0.025 * rank for rank, name in enumerate(names)} | {"oracle": 1.21}
    early = {name: 0.8 + 0.14 * ((rank * 5) % 9) for rank, name in enumerate(names)}
    budget = np.sort(rng.uniform(2000, 5000, advertisers))[::-1]
    target = rng.uniform(60, 130, advertisers)

    delivery, totals = [], []
    traffic = 1 + 0.4 * np.sin(np.linspace(-1.5, 4.5, ticks))
    for rank, name in enumerate(names):
        for seed in range(seeds):
            share = np.diff(np.linspace(0, 1, ticks + 1) ** (1.4 / early[name])) * traffic
            share = share / share.sum() * rng.uniform(0.93, 0.995)
            share *= 1 + 0.15 * rng.standard_normal(ticks).clip(-2, 2)
            share /= max(share.sum(), 1.0)
            spend = share * budget.sum()
            factor = (
                60
                * (1 + 0.1 * rank)
                * (1 + 0.25 * np.cos(np.linspace(0, 6, ticks) + rank) + 0.03 * rng.random(ticks))
            )
            offered = np.round(4000 * advertisers * traffic / ticks)
            value_offered = offered * 0.004
            wins = np.round(offered * (0.08 + 0.02 * (rank % 4)) * rng.uniform(0.9, 1.1, ticks))
            value = spend / 85 * skill[name]
            delivery.append(
                pl.DataFrame(
                    {
                        "seed": seed,
                        "bidder": name,
                        "tick": range(ticks),
                        "spend": spend,
                        "budget": budget.sum(),
                        "value": value,
                        "conversions": rng.poisson(value).astype(float),
                        "wins": wins,
                        "exposures": wins * 0.7,
                        "offered": offered,
                        "bid": factor * value_offered,
                        "value_offered": value_offered,
                        "market_price": offered * 0.3,
                    }
                )
            )
        use = rng.uniform(0.85, 1.0, advertisers)
        totals.append(
            pl.DataFrame(
                {
                    "bidder": name,
                    "advertiser": range(advertisers),
                    "name": [f"brand {i}" for i in range(advertisers)],
                    "category": [i % 5 for i in range(advertisers)],
                    "budget": budget,
                    "spend": budget * use,
                    "value": budget
                    * use
                    / target
                    * skill[name]
                    * rng.uniform(0.9, 1.1, advertisers),
                    "conversions": rng.poisson(budget / target).astype(float),
                    "target_cpa": target,
                }
            )
        )
    return RunTables(
        config={
            "market": {"name": "auctionnet-like", "impressions": 96_000, "ticks": ticks},
            "auction": {"rule": "generalised second price", "slots": 3, "reserve": 0.01},
            "bidders": names,
            "seeds": list(range(seeds)),
            "play": "one bidder a seat, the others fixed",
            "versions": {"equibid": "0.1.0", "jax": "0.10.2"},
            "resumed": None,
        },
        ranking=ranking(names, skill, seeds, rng),
        metrics=[metric.named(LABELS) for metric in METRICS],
        score_title="Value bought per seat, relative to the mean of all bidders",
        score_unit="× mean",
        delivery=pl.concat(delivery),
        advertisers=pl.concat(totals),
        title="AuctionNet-like market, generalised second price",
        currency=LABELS.currency,
    )


def ranking(
    names: list[str], skill: dict[str, float], seeds: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Rows in order of skill, the reference first, as an arena would sort them."""
    rows = []
    for name in sorted(names, key=lambda name: -skill[name]):
        half = rng.uniform(0.014, 0.022) if seeds > 1 else 0.0
        row = {"bidder": name, "reference": name == "oracle"} | spread("score", skill[name], half)
        for metric in METRICS:
            scale = 10.0 ** (3 - metric.digits)
            row |= spread(metric.column, scale * rng.uniform(0.95, 1.05), scale * half)
        rows.append(row)
    return pl.DataFrame(rows)


def spread(column: str, x: float, half: float) -> dict[str, float]:
    return {column: x, f"{column}_low": x - half, f"{column}_high": x + half}

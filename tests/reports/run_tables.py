"""A made-up run: plausible curves, known sums."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import polars as pl

from equibid.evaluation.market_figures import FIGURES
from equibid.evaluation.metrics import METRICS
from equibid.evaluation.pairs import paired_tests
from equibid.evaluation.price_distribution import Prices, price_table, win_curve
from equibid.evaluation.reliability import profiles, relative_scores, reliability
from equibid.markets.market import Labels
from equibid.reports.comparison.tables import RunTables
from equibid.runs.reading import RunFolder

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
    config = {
        "market": {"name": "auctionnet-like", "impressions": 96_000, "ticks": ticks},
        "auction": {"rule": "generalised second price", "slots": 3, "reserve": 0.01},
        "bidders": names,
        "seeds": list(range(seeds)),
        "play": "one bidder a seat, the others fixed",
        "versions": {"equibid": "0.1.0", "jax": "0.10.2"},
        "resumed": None,
    }
    return RunTables(
        **findings(names, skill, seeds, ticks, advertisers, rng),
        run=RunFolder(Path("nowhere"), "compare", config),
        ranking=ranking(names, skill, seeds, rng),
        metrics=[metric.named(LABELS) for metric in METRICS],
        score_title="Value bought per seat, relative to the mean of all bidders",
        score_unit="× mean",
        delivery=pl.concat(delivery),
        advertisers=pl.concat(totals),
        title="AuctionNet-like market, generalised second price",
        currency=LABELS.currency,
    )


def findings(
    names: list[str],
    skill: dict[str, float],
    seeds: int,
    ticks: int,
    advertisers: int,
    rng: np.random.Generator,
) -> dict[str, pl.DataFrame]:
    """Further tables of a run, by the functions that make them where these take tables."""
    keys = {"market": "made", "replicate": range(seeds)}
    sums = pl.concat(
        pl.DataFrame(keys | {"value": 100 * skill[name] * rng.uniform(0.97, 1.03, seeds)}).select(
            "market", "replicate", pl.lit(name).alias("bidder"), "value"
        )
        for name in names
    )
    scores = relative_scores(sums, ["oracle"], "value")
    grid = [(name, other) for name in names for other in names]
    kinds = {"category": min(5, advertisers), "time": min(24, ticks), "budget": min(4, advertisers)}
    segments = [
        {"bidder": name, "kind": kind, "segment": segment, "bought": 10.0 * x, "relative": x}
        for name in names
        for kind, count in kinds.items()
        for segment, x in enumerate(skill[name] * rng.uniform(0.9, 1.1, count))
    ]
    tick = np.tile(np.arange(ticks), (4, 1))
    price = rng.lognormal(-1, 0.6, tick.shape)
    prices = {"made": Prices(tick.ravel(), price.ravel(), 2 * price.ravel())}
    ends = [name + end for name in FIGURES for end in ("", "_low", "_high")]
    tables = {
        "scores": scores,
        "reliability": reliability(scores, resamples=50),
        "profile": profiles(scores, resamples=50),
        "markets": pl.DataFrame({"population": ["all together"]} | {end: [0.5] for end in ends}),
        "segments": pl.DataFrame(segments),
        "prices": price_table(prices),
        "win_curve": win_curve(prices),
        "head_to_head": pl.DataFrame(
            [{"bidder": a, "against": b, "share": 1 + (skill[a] - skill[b]) / 4} for a, b in grid]
        ),
    }
    return tables | ({"paired": paired_tests(sums, "value")} if len(names) > 1 else {})


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


def renamed(tables: RunTables, old: str, new: str) -> RunTables:
    """The run with a bidder under another name, in all tables."""
    changed = {}
    for field in fields(tables):
        table = getattr(tables, field.name)
        if isinstance(table, pl.DataFrame):
            names = [c for c in ("bidder", "other", "against") if c in table.columns]
            changed[field.name] = table.with_columns(pl.col(names).replace({old: new}))
    return replace(tables, **changed)

"""Which charts a comparison's report has, in the order of its page."""

from collections.abc import Callable
from functools import partial

from equibid.reports.charts.chart import Chart
from equibid.reports.comparison import charts
from equibid.reports.comparison.heat_maps import head_to_head_chart, paired_chart, segment_chart
from equibid.reports.comparison.price_charts import price_chart, win_curve_chart
from equibid.reports.comparison.reliability_charts import profile_chart
from equibid.reports.comparison.tables import RunTables

Draw = Callable[[RunTables], Chart]
CHARTS: dict[str, Draw] = {
    "ranking": charts.ranking_chart,
    "profile": profile_chart,
    "paired": paired_chart,
    "head-to-head": head_to_head_chart,
    "pacing": charts.pacing_chart,
    "factor": charts.factor_chart,
    "win-rate": charts.win_rate_chart,
    "prices": price_chart,
    "win-curve": win_curve_chart,
    "category": partial(segment_chart, kind="category"),
    "time": partial(segment_chart, kind="time"),
    "budget": partial(segment_chart, kind="budget"),
    "spend": charts.spend_chart,
    "value": charts.value_chart,
    "cpa": charts.cpa_chart,
}


def shown(tables: RunTables) -> list[str]:
    """The charts that the run has data for."""
    kinds = {} if tables.segments is None else segments(tables)
    company = len(tables.bidders) > 1
    has = {
        "profile": tables.profile is not None and tables.replicates > 1,
        "paired": tables.paired is not None and tables.replicates > 1,
        "head-to-head": tables.head_to_head is not None and company,
        "prices": tables.prices is not None,
        "win-curve": tables.win_curve is not None and not tables.win_curve.is_empty(),
        # One segment tells no more than the score.
        **{kind: company and kinds.get(kind, 0) > 1 for kind in ("category", "time", "budget")},
        "cpa": bool((tables.advertisers["value"] > 0).any()),
    }
    return [name for name in CHARTS if has.get(name, True)]


def segments(tables: RunTables) -> dict[str, int]:
    """How many segments there are of each kind."""
    assert tables.segments is not None
    return {
        one["kind"][0]: one["segment"].n_unique() for one in tables.segments.partition_by("kind")
    }


def drawn(tables: RunTables) -> dict[str, Chart]:
    """The charts, by the names that the page places."""
    return {name: CHARTS[name](tables) for name in shown(tables)}

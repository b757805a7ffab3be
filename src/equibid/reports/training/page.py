"""The report of `equibid train`."""

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from scipy import stats

from equibid.files import write_text
from equibid.reports.comparison.tables import number
from equibid.reports.comparison.verdict import Verdict
from equibid.reports.html.document import buttons, document, figure, made_of
from equibid.reports.html.palette import COLOURS, Mark
from equibid.reports.training import charts
from equibid.reports.training.charts import LearningTables

__all__ = ["LearningTables", "write_learning"]

GLOSSARY = (
    ("Attention", "The weight an agent's critic gives to another agent, mean over heads and time."),
    ("Factor", "Bid over value."),
    ("Held-out periods", "Periods that were neither trained on nor are judged in comparisons."),
    ("Overlap", "Cosine of two advertisers' values over impressions: 1 wants the same, 0 nothing."),
    (
        "Specialisation",
        "Half the summed differences between an advertiser's mix of wins and the others': 0 buys "
        "of everything as they do, 1 buys where they do not.",
    ),
)


def write_learning(tables: LearningTables, path: Path) -> None:
    """Write the report to `path` (about 5 MB: Plotly's script is inside)."""
    write_text(path, page(tables))


def page(tables: LearningTables) -> str:
    """The whole file."""
    seeds = tables.judgements["seed"].unique().sort().to_list()
    looks = [
        (f"seed {seed}", Mark(COLOURS[rank % len(COLOURS)], "solid", "circle"))
        for rank, seed in enumerate(seeds)
    ]
    return document(
        f"{tables.algorithm} on {tables.config['market']}",
        f"{len(tables.names)} advertisers, {tables.metrics['step'].max():,} steps, "
        f"{len(seeds)} seed{'s' * (len(seeds) > 1)}",
        verdict(tables),
        "seeds",
        buttons(looks),
        [*sections(tables), made_of(tables.config, GLOSSARY)],
        figures(tables),
    )


def verdict(tables: LearningTables) -> Verdict:
    """How far the best state came, beside the others."""
    best = float(np.nanmax(tables.judgements[tables.eval_metric].to_numpy()))
    said = f"The best state gave {number(best, 2)} {tables.value_unit}s a held-out period"
    if not tables.marks:
        return Verdict(f"{tables.algorithm} was trained", said + ".")
    name, mark = max(tables.marks.items(), key=lambda item: item[1])
    if not mark > 0:
        return Verdict(f"{tables.algorithm} was trained", said + ".")
    gap = best / mark - 1
    headline = (
        f"{tables.algorithm} {'passes' if gap > 0 else 'stays below'} {name} by {abs(gap):.1%}"
    )
    return Verdict(
        headline,
        f"{said}; {name} gives {number(mark, 2)} on the same periods. The state was chosen on "
        "these periods; `equibid compare` judges it on others.",
    )


def figures(tables: LearningTables) -> dict[str, go.Figure]:
    """The charts that the run has data for."""
    drawn = {"learning": charts.learning_chart(tables), "boldness": charts.boldness_chart(tables)}
    if len(tables.names) > 1:
        drawn["specialisation"] = charts.specialisation_chart(tables)
    if tables.attention is not None and len(tables.attention) > 1:
        drawn["attention"] = charts.attention_chart(tables)
    return drawn


def sections(tables: LearningTables) -> list[str]:
    """The charts' places, and what to see in them."""
    drawn = figures(tables)
    parts = [
        "<section><h2>Learning</h2>"
        + figure(
            "learning",
            "Value of held-out periods",
            "Each point is a policy played without exploration. Dotted: other bidders in all "
            "seats, on the same periods.",
        )
        + "</section>",
        "<section><h2>What it does</h2>"
        + figure(
            "boldness",
            "Boldness over the day and the budget",
            "Log2 of the factor over the day before's. Warm is bolder, cool is shyer; columns are "
            "time, rows the money left.",
        )
        + (specialised(tables) if "specialisation" in drawn else "")
        + (attended(tables) if "attention" in drawn else "")
        + "</section>",
    ]
    return parts


def specialised(tables: LearningTables) -> str:
    """Who wins what."""
    said = "; ".join(
        f"{name} {number(float(np.nanmean(found.distance)), 3)}"
        for name, found in tables.specialisation.items()
    )
    return figure(
        "specialisation",
        "Who wins what",
        f"Shares of each advertiser's wins by type of impression. Mean specialisation: {said}.",
    )


def attended(tables: LearningTables) -> str:
    """Whether attention follows overlap."""
    assert tables.attention is not None
    overlap, weight = tables.attention.T
    ranks = stats.rankdata(overlap), stats.rankdata(weight)
    rank = np.corrcoef(*ranks)[0, 1] if overlap.std() > 0 and weight.std() > 0 else 0.0
    return figure(
        "attention",
        "Attention against overlap of targeting",
        "A dot is a pair of advertisers, the line the mean of a tenth of the pairs. Rank "
        f"correlation {number(float(rank), 2)}.",
    )

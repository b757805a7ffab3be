"""The report of `equibid train`."""

from html import escape

import numpy as np
import polars as pl
from scipy import stats

from equibid.reports.charts.chart import Chart
from equibid.reports.charts.svg import HALF, WHOLE
from equibid.reports.html.document import Section, Verdict, document, figure, folded
from equibid.reports.html.making import making
from equibid.reports.html.numbers import counted, number
from equibid.reports.html.palette import look
from equibid.reports.html.sheets import figures_table
from equibid.reports.training import charts
from equibid.reports.training.tables import LearningTables, sheet

# More numbers of an algorithm than a reader looks through.
MOST_METRICS = 12
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


def page(tables: LearningTables) -> str:
    """The whole file."""
    figures = drawn(tables)
    return document(
        title=f"{tables.algorithm} on {tables.config['market']}",
        facts=facts(tables),
        said=verdict(tables),
        legend="Seeds",
        looks=[(f"seed {seed}", look(rank)) for rank, seed in enumerate(tables.seeds)],
        few=True,
        sections=[
            learning(tables, figures),
            behaviour(tables, figures),
            *making(tables.run, GLOSSARY),
        ],
    )


def facts(tables: LearningTables) -> str:
    """The size of the run in a line."""
    counts = (
        (tables.learned.height, "advertiser"),
        (tables.steps, "step"),
        (len(tables.seeds), "seed"),
    )
    return " · ".join(counted(n, word) for n, word in counts)


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
        "these periods; equibid compare judges it on others.",
    )


def drawn(tables: LearningTables) -> dict[str, Chart]:
    """The charts that the run has data for."""
    found = {
        "learning": charts.learning_chart(tables),
        "aggressiveness": charts.aggressiveness_chart(tables),
    }
    if tables.learned.height > 1:
        found["specialisation"] = charts.specialisation_chart(tables)
    if tables.attention is not None and len(tables.attention) > 1:
        found["attention"] = charts.attention_chart(tables)
    return found | {
        f"metric-{at}": charts.metric_chart(tables, name)
        for at, name in enumerate(tables.reported[:MOST_METRICS])
    }


def learning(tables: LearningTables, figures: dict[str, Chart]) -> Section:
    """The judgements, and folded beneath what the algorithm told of its steps."""
    guide = (
        "Each point is a policy played without exploration. Dotted: other bidders in all seats, on "
        "the same periods."
    )
    if len(tables.seeds) > 1:
        guide += " Grey is the mean of the seeds, the band its 95\u00a0% interval."
    chart = figure("learning", figures["learning"], "Value of held-out periods", guide)
    told = "".join(
        figure(f"metric-{at}", figures[f"metric-{at}"], escape(name), width=HALF)
        for at, name in enumerate(tables.reported[:MOST_METRICS])
    )
    left = len(tables.reported) - MOST_METRICS
    note = f'<p class="note">{left} more are in metrics.parquet.</p>' if left > 0 else ""
    more = folded("What the algorithm told of its steps", f'<div class="pair">{told}</div>{note}')
    return Section("Learning", chart + figures_table(sheet(tables)) + (more if told else ""))


def behaviour(tables: LearningTables, figures: dict[str, Chart]) -> Section:
    """What the best policy does."""
    body = figure(
        "aggressiveness",
        figures["aggressiveness"],
        "Aggressiveness over the period and the budget",
        "Log2 of the factor over the day before's: green is higher, pink is lower. Columns are "
        "time from its beginning, rows the money left.",
    )
    if "specialisation" in figures:
        body += specialised(tables, figures["specialisation"])
    if "attention" in figures:
        body += attended(tables, figures["attention"])
    return Section("What it does", body)


def specialised(tables: LearningTables, chart: Chart) -> str:
    """Who wins what."""
    means = tables.specialisation.group_by("bidder", maintain_order=True).agg(
        pl.col("distance").mean()
    )
    said = "; ".join(
        f"{tables.algorithm if name == 'learned' else name} {number(mean, 3)}"
        for name, mean in means.rows()
    )
    left = tables.learned.height - charts.MOST_ROWS
    more = f" {left} more advertisers are in wins.parquet." if left > 0 else ""
    return figure(
        "specialisation",
        chart,
        "Who wins what",
        "Shares of each advertiser's wins by the category that values an impression most, in "
        f"percent; advertisers by category. Mean specialisation: {escape(said)}.{more}",
        WHOLE,
    )


def attended(tables: LearningTables, chart: Chart) -> str:
    """Whether attention follows overlap."""
    assert tables.attention is not None
    overlap, weight = tables.attention.select("overlap", "attention").to_numpy().T
    ranks = stats.rankdata(overlap), stats.rankdata(weight)
    rank = np.corrcoef(*ranks)[0, 1] if overlap.std() > 0 and weight.std() > 0 else 0.0
    return figure(
        "attention",
        chart,
        "Attention against overlap of targeting",
        "A dot is a pair of advertisers, the line the mean of a tenth of the pairs. Rank "
        f"correlation {number(float(rank), 2)}.",
    )

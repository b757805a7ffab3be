"""The report of `equibid solve` and `equibid certify`."""

from html import escape
from pathlib import Path

import plotly.graph_objects as go

from equibid.equilibrium.certificate import Status
from equibid.files import write_text
from equibid.reports.comparison.tables import number
from equibid.reports.comparison.verdict import Verdict
from equibid.reports.equilibrium import charts
from equibid.reports.equilibrium.charts import percent, small
from equibid.reports.equilibrium.tables import LOOKS, EquilibriumTables, equilibrium_tables
from equibid.reports.html.document import buttons, document, figure, keys, made_of
from equibid.runs.certifying import all_notices

__all__ = ["EquilibriumTables", "equilibrium_tables", "write_equilibrium"]

# As many rows as a reader looks through; the page says how many were left out.
MOST_ADVERTISERS = 40
GLOSSARY = (
    (
        "Best factor",
        "The factor that buys one advertiser most within its budget, the others as they are.",
    ),
    ("Cap", "The highest factor: a multiple of the target CPA."),
    (
        "Certificate",
        "What is proven of a profile. It holds if nobody gains more than the "
        "tolerance by another factor, nor overspends its budget by more.",
    ),
    ("Exploitability", "The largest gain of a best factor over total welfare."),
    ("Factor", "Bid over value, the same on all impressions of the period. 0 sits out."),
    ("First best", "Every impression to whom it is worth most, whatever the budgets."),
    (
        "Gain of any bids",
        "What an advertiser could gain if it chose its bid on every impression. "
        "It lies between what was found to be reached and a bound nothing exceeds.",
    ),
    ("Liquid welfare", "Each advertiser's value in money at its cap, at most its budget, summed."),
    ("Residual", "The largest share of a budget that is over- or underspent by who could mend it."),
    ("Welfare", "Expected value that all advertisers buy."),
)


def write_equilibrium(tables: EquilibriumTables, path: Path) -> None:
    """Write the report to `path` (about 5 MB: Plotly's script is inside)."""
    write_text(path, page(tables))


def figures(tables: EquilibriumTables) -> dict[str, go.Figure]:
    """The charts that the run has data for."""
    drawn = {"welfare": charts.welfare_chart(tables)}
    if len(tables.results) > 1:
        drawn["days"] = charts.day_chart(tables)
    drawn["gains"] = charts.gain_chart(tables)
    drawn["factors"] = charts.factor_chart(tables)
    if searched(tables):
        drawn["starts"] = charts.start_chart(tables)
    return drawn


def searched(tables: EquilibriumTables) -> bool:
    """Whether there are starts of one market to compare."""
    return tables.starts is not None and len(tables.results) == 1 and tables.starts.height > 1


def page(tables: EquilibriumTables) -> str:
    """The whole report as HTML."""
    counts = dict(tables.advertisers["status"].value_counts().iter_rows())
    chips = [
        (f"{status.value} ({number(counts[status.value], 0)})", LOOKS[status])
        for status in tables.statuses
    ]
    sections = [welfare(tables), gains(tables), factors(tables)]
    if len(tables.results) > 1:
        sections.insert(0, by_day(tables))
    if searched(tables):
        sections.append(starts(tables))
    return document(
        title=tables.title,
        facts=facts(tables),
        said=verdict(tables),
        legend="Status of advertisers",
        chips=buttons(chips),
        sections=[*sections, advertisers(tables), made_of(tables.config, GLOSSARY)],
        figures=figures(tables),
    )


def facts(tables: EquilibriumTables) -> str:
    """The size of the run in a line."""
    game = tables.results[0].game
    counts = (
        (tables.advertisers.height, "advertiser"),
        (game.market.impressions, "impression"),
        (len(tables.results), "day" if tables.days > 1 else "market"),
    )
    sizes = [f"{number(n, 0)} {word}{'s' * (n != 1)}" for n, word in counts]
    rule = "soft" if game.auction.pricing == "soft" else "soft-hard"
    return " · ".join([*sizes, f"{rule} auction, temperature {game.auction.temperature:.4g}"])


def verdict(tables: EquilibriumTables) -> Verdict:
    """What is proven, in words."""
    if len(tables.results) > 1:
        return of_several(tables)
    result = tables.results[0]
    one = result.certificate
    share = small(one.exploitability)
    detail = (
        f"With bids of its choice on every impression no advertiser gains more than "
        f"{small(one.exploitability_bound)}."
    )
    if not result.game.players.any():
        return Verdict("Nobody can play", "No advertiser has both a budget and something to buy.")
    if result.holds:
        least = "anything" if one.exploitability == 0 else f"more than {share} of total welfare"
        return Verdict(
            f"Nobody gains {least} by leaving",
            f"That is with another factor, the others as they are, and within the budget. {detail}",
        )
    if one.exploitability <= result.tolerance:
        return Verdict(
            f"No equilibrium: a budget is overspent by {small(one.overspend)}",
            f"Otherwise nobody gains more than {share} of total welfare by leaving. {detail}",
        )
    over = f" Budgets are overspent by up to {small(one.overspend)}." if one.overspend > 0 else ""
    return Verdict(
        f"An advertiser gains {share} of total welfare by leaving",
        f"So this is no equilibrium within {small(result.tolerance)}.{over} {detail}",
    )


def of_several(tables: EquilibriumTables) -> Verdict:
    """The verdict on several days or markets."""
    held = sum(result.holds for result in tables.results)
    what = "day" if tables.days > 1 else "market"
    most = max(result.certificate.exploitability for result in tables.results)
    over = max(result.certificate.overspend for result in tables.results)
    return Verdict(
        f"The certificate holds on {held} of {len(tables.results)} {what}s",
        f"It holds where nobody gains more than {small(tables.tolerance)} of total welfare by "
        f"leaving, nor overspends its budget by more. The largest gain on a {what} is "
        f"{small(most)}, the largest overspending {small(over)}.",
    )


def welfare(tables: EquilibriumTables) -> str:
    """Bars against bounds, and the figures of one profile."""
    table = ""
    if len(tables.results) == 1:
        result = tables.results[0]
        x, unit, money = result.figures(), f"{tables.value_unit}s", tables.currency
        share = charts.percent
        best, bound = max(x["first_best"], 1e-300), max(x["liquid_bound"], 1e-300)
        table = keys(
            [
                (
                    "Welfare",
                    f"{number(x['welfare'], 2)} {unit}, {share(x['welfare'] / best)} of first "
                    f"best, {number(x['first_best'], 2)}",
                ),
                (
                    "Liquid welfare",
                    f"{number(x['liquid_welfare'], 2)} {money}, "
                    f"{share(x['liquid_welfare'] / bound)} of its bound, "
                    f"{number(x['liquid_bound'], 2)}",
                ),
                ("Revenue", f"{number(x['revenue'], 2)} {money}"),
                ("Exploitability", f"{small(x['exploitability'])} of welfare"),
                ("Largest gain, own return", f"{small(x['largest_gain_share'])} of it"),
                ("Any bids", f"at most {small(x['exploitability_bound'])} of welfare"),
                ("Residual", f"{small(x['residual'])} of a budget"),
                ("Overspending", f"{small(x['overspend'])} of a budget"),
            ]
        )
    notes = all_notices(tables.results)
    noted = "".join(f'<p class="note">{escape(capital(said))}.</p>' for said in notes)
    return (
        '<section><h2>What is possible</h2><p class="guide">Welfare as a share of what no '
        "allocation exceeds.</p>"
        '<figure><div class="rows" data-figure="welfare" role="img" aria-label="Welfare">'
        f"</div></figure>{table}{noted}</section>"
    )


def by_day(tables: EquilibriumTables) -> str:
    """Exploitability of each day or market."""
    what = "Day by day" if tables.days > 1 else "Market by market"
    return (
        f'<section><h2>{what}</h2><p class="guide">Dots are the largest gain of a factor, bars '
        "at the right a bound on the gain of any bids. Blue holds, red does not; the dotted line "
        "is the tolerance.</p>"
        f'<figure><div class="rows" data-figure="days" role="img" aria-label="{what}"></div>'
        "</figure></section>"
    )


def gains(tables: EquilibriumTables) -> str:
    """What leaving would bring each advertiser."""
    guide = (
        "A dot is what the best factor adds. A line runs from what chosen bids were found to add "
        "to what no bids exceed: the truth lies on it. Dotted is the tolerance."
    )
    if tables.days > 1:
        guide += " The largest of all days."
    return (
        "<section><h2>Who would leave</h2>"
        + figure("gains", "What each advertiser could gain", guide)
        + "</section>"
    )


def factors(tables: EquilibriumTables) -> str:
    """Factors against budgets."""
    guide = "Who is at the dotted line bids its cap. Who has little money for its taste stands low."
    left = any(s in tables.statuses for s in (Status.OUT, Status.PRICED_OUT))
    if left:
        guide += " Who sits out stands at the bottom."
    return (
        "<section><h2>Who bids how much</h2>"
        + figure("factors", "Factors and budgets", guide)
        + "</section>"
    )


def starts(tables: EquilibriumTables) -> str:
    """Where a search went."""
    assert tables.starts is not None
    held = int(tables.starts["holds"].sum())
    found = tables.starts["equilibrium"].n_unique() - (held < tables.starts.height)
    guide = (
        f"{held} of {tables.starts.height} starts led to {found} equilibri"
        f"{'um' if found == 1 else 'a'}. Crosses right of the dotted line are none."
    )
    return (
        "<section><h2>The search</h2>"
        + figure("starts", "Where each start led", guide)
        + ("</section>")
    )


def advertisers(tables: EquilibriumTables) -> str:
    """The table of advertisers."""
    count = tables.advertisers.height
    shown = ""
    if count > MOST_ADVERTISERS:
        shown = (
            f" The first {MOST_ADVERTISERS} of {number(count, 0)}; all are in certificate.parquet."
        )
    if tables.days > 1:
        shown += " Amounts are means over days, gains the largest, the status the worst."
    price = f"{tables.currency} per {tables.value_unit}"
    heads = (
        ("Budget", tables.currency),
        ("Cost", "% of it"),
        ("Factor", price),
        ("Best factor", price),
        ("Cap", price),
        ("Value", f"{tables.value_unit}s"),
        ("Gain", "of its own value"),
        ("Gain", "of welfare"),
        ("Any bids", "of welfare"),
    )
    titles = "".join(f"<th>{title}<small>{escape(unit)}</small></th>" for title, unit in heads)
    rows = []
    for place, row in enumerate(tables.advertisers.head(MOST_ADVERTISERS).to_dicts(), start=1):
        use = percent(row["cost"] / row["budget"]) if row["budget"] > 0 else "–"
        cells = (
            number(row["budget"], 2),
            use,
            *(number(row[name], 3) for name in ("factor", "best_factor", "cap")),
            number(row["returns"], 2),
            *(small(row[name]) for name in ("own", "gain", "bound")),
        )
        rows.append(
            f'<tr><td>{place}</td><td class="name">{escape(row["name"])}'
            f"<small>{escape(row['status'])}</small></td>"
            f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        )
    return (
        '<section><h2>Advertisers</h2><p class="guide">The largest bound on a gain first.'
        f'{shown}</p><div class="wide" tabindex="0"><table><thead><tr><th></th>'
        f'<th class="name">Advertiser</th>{titles}</tr></thead><tbody>{"".join(rows)}</tbody>'
        "</table></div></section>"
    )


def capital(text: str) -> str:
    """A sentence's first letter."""
    return text[:1].upper() + text[1:]

"""The report of `equibid solve` and `equibid certify`."""

from collections.abc import Mapping
from html import escape
from typing import Any

from equibid.equilibrium.certificate import Status
from equibid.reports.charts.chart import Chart
from equibid.reports.equilibrium import charts
from equibid.reports.equilibrium.proof import TITLE, proof
from equibid.reports.equilibrium.tables import LOOKS, EquilibriumTables
from equibid.reports.html.document import Section, Verdict, document, figure, keys, table
from equibid.reports.html.making import making
from equibid.reports.html.numbers import counted, number, percent, small

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


def drawn(tables: EquilibriumTables) -> dict[str, Chart]:
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
    figures = drawn(tables)
    return document(
        title=tables.title,
        facts=facts(tables),
        said=verdict(tables),
        legend="Status of advertisers",
        looks=[
            (f"{status.value} ({number(counts[status.value], 0)})", LOOKS[status])
            for status in tables.statuses
        ],
        sections=[
            by_day(tables, figures),
            welfare(tables, figures),
            gains(tables, figures),
            factors(tables, figures),
            starts(tables, figures),
            advertisers(tables),
            proof(tables.results[0]) if len(tables.results) == 1 else Section(TITLE, ""),
            *making(tables.run, GLOSSARY),
        ],
    )


def facts(tables: EquilibriumTables) -> str:
    """The size of the run in a line."""
    game = tables.results[0]
    counts = (
        (tables.advertisers.height, "advertiser"),
        (game["impressions"], "impression"),
        (len(tables.results), "day" if tables.days > 1 else "market"),
    )
    sizes = [counted(n, word) for n, word in counts]
    rule = "soft" if game["pricing"] == "soft" else "soft-hard"
    return " · ".join([*sizes, f"{rule} auction, temperature {game['temperature']:.4g}"])


def verdict(tables: EquilibriumTables) -> Verdict:
    """What is proven, in words."""
    if len(tables.results) > 1:
        return of_several(tables)
    result = tables.results[0]
    exploitability, overspend = result["exploitability"], result["overspend"]
    share = small(exploitability)
    detail = (
        f"With bids of its choice on every impression no advertiser gains more than "
        f"{small(result['exploitability_bound'])}."
    )
    if set(tables.statuses) <= {Status.NO_BUDGET, Status.NO_VALUE}:
        return Verdict("Nobody can play", "No advertiser has both a budget and something to buy.")
    if result["holds"]:
        least = "anything" if exploitability == 0 else f"more than {share} of total welfare"
        return Verdict(
            f"Nobody gains {least} by leaving",
            f"That is with another factor, the others as they are, and within the budget. {detail}",
        )
    if exploitability <= tables.tolerance:
        return Verdict(
            f"No equilibrium: a budget is overspent by {small(overspend)}",
            f"Otherwise nobody gains more than {share} of total welfare by leaving. {detail}",
        )
    over = f" Budgets are overspent by up to {small(overspend)}." if overspend > 0 else ""
    return Verdict(
        f"An advertiser gains {share} of total welfare by leaving",
        f"So this is no equilibrium within {small(tables.tolerance)}.{over} {detail}",
    )


def of_several(tables: EquilibriumTables) -> Verdict:
    """The verdict on several days or markets."""
    held = sum(one["holds"] for one in tables.results)
    what = "day" if tables.days > 1 else "market"
    most = max(one["exploitability"] for one in tables.results)
    over = max(one["overspend"] for one in tables.results)
    return Verdict(
        f"The certificate holds on {held} of {len(tables.results)} {what}s",
        f"It holds where nobody gains more than {small(tables.tolerance)} of total welfare by "
        f"leaving, nor overspends its budget by more. The largest gain on a {what} is "
        f"{small(most)}, the largest overspending {small(over)}.",
    )


def welfare(tables: EquilibriumTables, figures: dict[str, Chart]) -> Section:
    """Bars against bounds, and the figures of one profile."""
    shown = key_figures(tables, tables.results[0]) if len(tables.results) == 1 else ""
    said = (capital(notice).rstrip(".") for notice in tables.notices)
    noted = "".join(f'<p class="note">{escape(sentence)}.</p>' for sentence in said)
    guide = "As a share of what no allocation exceeds."
    chart = figure("welfare", figures["welfare"], "Welfare", guide)
    return Section("What is possible", chart + shown + noted)


def key_figures(tables: EquilibriumTables, x: Mapping[str, Any]) -> str:
    """The figures of one profile."""
    unit, money = f"{tables.value_unit}s", tables.currency
    share = percent
    best, bound = max(x["first_best"], 1e-300), max(x["liquid_bound"], 1e-300)
    return keys(
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


def by_day(tables: EquilibriumTables, figures: dict[str, Chart]) -> Section:
    """Exploitability of each day or market."""
    title = "Day by day" if tables.days > 1 else "Market by market"
    if "days" not in figures:
        return Section(title, "")
    guide = (
        "Dots are the largest gain of a factor, bars at the right a bound on the gain of any bids. "
        "Green holds, pink does not; the dotted line is the tolerance."
    )
    return Section(title, figure("days", figures["days"], "Largest gain", guide))


def gains(tables: EquilibriumTables, figures: dict[str, Chart]) -> Section:
    """What leaving would bring each advertiser."""
    guide = (
        "A dot is what the best factor adds. A line runs from what chosen bids were found to add "
        "to what no bids exceed: the truth lies on it. Dotted is the tolerance."
    )
    if tables.days > 1:
        guide += " The largest of all days."
    if tables.advertisers.height > charts.MOST_DRAWN:
        guide += f" The first {number(charts.MOST_DRAWN, 0)} advertisers are drawn."
    chart = figure("gains", figures["gains"], "What each advertiser could gain", guide)
    return Section("Who would leave", chart)


def factors(tables: EquilibriumTables, figures: dict[str, Chart]) -> Section:
    """Factors against budgets."""
    guide = "Who is at the dotted line bids its cap. Who has little money for its taste stands low."
    left = any(s in tables.statuses for s in (Status.OUT, Status.PRICED_OUT))
    if left:
        guide += " Who sits out stands at the bottom."
    chart = figure("factors", figures["factors"], "Factors and budgets", guide)
    return Section("Who bids how much", chart)


def starts(tables: EquilibriumTables, figures: dict[str, Chart]) -> Section:
    """Where a search went."""
    if tables.starts is None or "starts" not in figures:
        return Section("The search", "")
    held = int(tables.starts["holds"].sum())
    found = tables.starts["equilibrium"].n_unique() - (held < tables.starts.height)
    guide = (
        f"{held} of {tables.starts.height} starts led to {found} equilibri"
        f"{'um' if found == 1 else 'a'}. Crosses right of the dotted line are none."
    )
    return Section("The search", figure("starts", figures["starts"], "Where each start led", guide))


def advertisers(tables: EquilibriumTables) -> Section:
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
    heads = [
        ("Budget", tables.currency),
        ("Cost", "% of it"),
        ("Factor", price),
        ("Best factor", price),
        ("Cap", price),
        ("Value", f"{tables.value_unit}s"),
        ("Gain", "of its own value"),
        ("Gain", "of welfare"),
        ("Any bids", "of welfare"),
    ]
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
    guide = f"The largest bound on a gain first.{shown}"
    return Section("Advertisers", table("Advertiser", heads, rows), guide)


def capital(text: str) -> str:
    """A sentence's first letter."""
    return text[:1].upper() + text[1:]

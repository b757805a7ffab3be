"""Certificates in the terminal."""

from collections.abc import Iterable, Sequence
from math import isfinite

import polars as pl
from rich.console import Console

from equibid.cli.console import plain_table
from equibid.equilibrium.certificate import Certificate, Status
from equibid.runs.certifying import Certified, mean_figures

# What fits 80 characters.
DAYS = {
    "welfare": "welfare",
    "revenue": "revenue",
    "exploitability": "gain",
    "exploitability_bound": "any bids",
    "largest_gain_share": "own gain",
    "overspend": "overspend",
}


def heading(result: Certified) -> str:
    """The game in a line."""
    market, auction = result.game.market, result.game.auction
    rule = "soft" if auction.pricing == "soft" else "soft-hard"
    return (
        f"{market.advertisers:,} advertiser{'s' * (market.advertisers != 1)}, "
        f"{market.impressions:,} impression{'s' * (market.impressions != 1)}; "
        f"{rule} auction, temperature {auction.temperature:.6g}"
    )


def print_equilibria(console: Console, equilibria: pl.DataFrame, starts: int) -> None:
    """The distinct equilibria that a search came to."""
    if equilibria.is_empty():
        console.print("No start led to an equilibrium within the tolerance.", style="bold")
        return
    table = plain_table("Equilibria found")
    for title in ("", "welfare", "revenue", "largest gain", "starts"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in equilibria.iter_rows(named=True):
        led = f"{row['starts']} of {starts}"
        gain = small(row["gain"])
        place = str(row["equilibrium"] + 1)
        table.add_row(place, large(row["welfare"]), large(row["revenue"]), gain, led)
    console.print(table)


def print_certificate(console: Console, result: Certified) -> None:
    """One certificate, a figure a line."""
    x, certificate = result.figures(), result.certificate
    labels = result.game.market.labels
    within = "holds" if result.holds else "does not hold"
    table = plain_table(f"Certificate ({within} at {result.tolerance:g})")
    table.add_column("", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", style="dim")
    welfare = f"{part(x['welfare'], x['first_best'])} of first best, {large(x['first_best'])}"
    bound = f"{part(x['liquid_welfare'], x['liquid_bound'])} of its bound"
    liquid = f"{bound}, {large(x['liquid_bound'])} {labels.currency}"
    table.add_row("welfare", large(x["welfare"]), f"{labels.value_unit}s, {welfare}")
    table.add_row("liquid welfare", large(x["liquid_welfare"]), liquid)
    table.add_row("revenue", large(x["revenue"]), labels.currency)
    table.add_row("exploitability", small(x["exploitability"]), "largest gain of a best factor")
    table.add_row("", small(x["exploitability_bound"]), "no bids gain more (both over welfare)")
    share = small(x["largest_gain_share"])
    table.add_row("largest own gain", share, "of a best factor, over the own return")
    table.add_row("residual", small(x["residual"]), "share of a budget missed")
    table.add_row("overspend", small(x["overspend"]), "share of a budget")
    table.add_row("advertisers", str(len(certificate.status)), statuses(certificate))
    console.print(table)


def print_results(console: Console, results: Sequence[Certified], title: str) -> None:
    """A row a market or day, and their means."""
    table = plain_table(title)
    by_day = len({result.day for result in results}) > 1
    table.add_column("day" if by_day else "market", style="cyan", no_wrap=True)
    for name in DAYS.values():
        table.add_column(name, justify="right")
    table.add_column("holds", justify="right")
    for result in results:
        x = result.figures()
        label = str(result.day) if by_day else result.name
        cells = (figure(name, float(x[name])) for name in DAYS)
        table.add_row(label, *cells, "yes" if result.holds else "no")
    if by_day:
        means = mean_figures(results)
        held = sum(result.holds for result in results)
        cells = (figure(name, means[name].value) for name in DAYS)
        table.add_row("mean", *cells, f"{held} of {len(results)}", style="bold")
        cells = (figure(name, means[name].high - means[name].value) for name in DAYS)
        table.add_row("± 95 %", *cells, "", style="dim")
    table.caption = "gain and any bids: over welfare; own gain: over the own return"
    table.caption_justify = "left"
    console.print(table)


def print_notices(console: Console, sentences: Iterable[str]) -> None:
    """A line a sentence."""
    for sentence in sentences:
        console.print(f"note: {sentence}", style="yellow")


def statuses(certificate: Certificate) -> str:
    """How many stand where."""
    counts = {status: certificate.status.count(status) for status in Status}
    return ", ".join(f"{status.value}: {count}" for status, count in counts.items() if count)


def figure(name: str, x: float) -> str:
    """A figure as its size asks for."""
    return large(x) if name in ("welfare", "revenue") else small(x)


def large(x: float) -> str:
    """An amount."""
    if not isfinite(x):
        return "–"
    return f"{x:,.2f}" if abs(x) < 1e5 else f"{x:,.0f}"


def small(x: float) -> str:
    """A share that may be next to nothing."""
    if not isfinite(x):
        return "∞" if x > 0 else "–"
    return "0" if x == 0 else f"{x:.2g}"


def part(x: float, whole: float) -> str:
    """A share in percent."""
    return f"{100 * x / whole:.2f} %" if whole > 0 else "–"

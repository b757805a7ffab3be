"""What the proof of the primal-dual method assumes, in an equilibrium's report."""

from collections.abc import Mapping
from typing import Any

from equibid.reports.html.document import Section, keys
from equibid.reports.html.numbers import number, small

TITLE = "What a proof of convergence assumes"
GUIDE = (
    "Algorithm 1 of Large-Scale Auto-Bidding with Nash Constraints (arXiv 2503.10304; "
    "<code>--method primal-dual</code>) is proven to converge in markets with these properties. "
    "They are measured at these factors only; the certificate does not depend on them."
)


def proof(x: Mapping[str, Any]) -> Section:
    """The measures with what each means; empty where a run has none.

    Args:
        x: a market and day, as certificate.json has it.
    """
    found = x.get("conditions")
    if not found:
        return Section(TITLE, "")
    most, many = found["self_dominance"], found["not_dominant"]
    others = "the factors of all others move an advertiser's cost"
    ratio = (
        f"{others} and its own factor does not"
        if most is None
        else f"{others} up to {number(most, 2)} times as much as its own factor does"
    )
    assumed = f"below 1 is assumed, and {number(many, 0)} of the advertisers are not"
    rows = [
        (
            "Self-dominance",
            f"{ratio}; {assumed if many else 'below 1 for all, as is assumed'}",
        ),
        (
            "Smallest singular value",
            f"{small(found['smallest_singular'])}: near 0, a small change of the market may move "
            "the equilibrium far, and the method may stop where there is none",
        ),
        (
            "Violation",
            f"{small(found['violation'])}: how far the conditions of an equilibrium are missed, in "
            "shares of caps and budgets; 0 at an equilibrium",
        ),
        (
            "KKT residual",
            f"{small(found['stationarity'])}: the share of the gradient of welfare that no weights "
            "of the conditions balance; 0 wherever the singular value is not, so that the "
            "violation decides",
        ),
    ]
    return Section(TITLE, keys(rows), GUIDE)

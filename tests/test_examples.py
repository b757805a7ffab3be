"""The examples of the documentation run, and its table of bidders is whole."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from equibid.bidders import BIDDERS, Observation
from equibid.markets import Campaigns

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def own_bidder() -> Iterator[dict[str, Any]]:
    """The example's names; its bidder is registered as long as the test runs."""
    yield runpy.run_path(str(EXAMPLES / "own_bidder.py"))
    del BIDDERS.entries["leftover"], BIDDERS.summaries["leftover"]


def test_first_market(capsys: pytest.CaptureFixture[str]) -> None:
    names = runpy.run_path(str(EXAMPLES / "first_market.py"))
    total, budget = names["total"], names["today"].campaigns.budget
    assert (total.spend <= budget).all()
    printed = capsys.readouterr().out
    for index, name in enumerate(("fixed", "pacing")):
        mine = names["seat"] == index
        assert total.spend[mine].sum() > 0.5 * budget[mine].sum()
        assert f"{name}: value {total.value[mine].sum():.1f}," in printed
    frame = names["delivery"].frame()
    assert frame.height == names["today"].ticks * names["today"].advertisers
    assert frame["value"].sum() == pytest.approx(float(total.value.sum()))


def test_first_equilibrium(capsys: pytest.CaptureFixture[str]) -> None:
    certificate = runpy.run_path(str(EXAMPLES / "first_equilibrium.py"))["certificate"]
    assert certificate.holds(1e-8) and certificate.response.welfare > 0
    assert "nobody gains more than" in capsys.readouterr().out


def test_own_bidder_by_hand(own_bidder: dict[str, Any]) -> None:
    # Budgets 100, 100 and 0, two of four ticks gone: half the money is on time, all of it twice
    # too much, and who has no budget does not fall over it.
    bidder = own_bidder["Leftover"](jnp.asarray([3.0, 3.0, 3.0]))
    budget = jnp.asarray([100.0, 100.0, 0.0])
    state = bidder.init(Campaigns(budget, jnp.ones(3), jnp.zeros(3, jnp.int32)))
    seen = Observation(*map(jnp.asarray, (2, 4, 20, 40)), remaining=jnp.asarray([50.0, 100.0, 0.0]))
    np.testing.assert_array_equal(bidder.factor(state, seen, jax.random.key(0)), [3.0, 6.0, 0.0])


@pytest.mark.parametrize("name", sorted(BIDDERS))
def test_bidder_is_documented(name: str) -> None:
    folder = ROOT / "docs" / "bidders"
    row = re.search(rf"^\| \[`{name}`\]\((.+?)\)", (folder / "index.md").read_text(), re.MULTILINE)
    assert row, f"docs/bidders/index.md has no row for {name}"
    assert f"`{name}`" in (folder / row[1]).read_text()

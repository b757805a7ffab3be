"""Named settings of the generator.

Most budgets bind, not all: two thirds to nine tenths of the advertisers would overspend if
everybody bid its cap, and almost nine tenths spend their budget once all of them pace
(`benchmarks/generate.py` measures both).
"""

from collections.abc import Callable
from typing import Any, Literal

import jax

from equibid.markets.generate import generate
from equibid.markets.market import Market
from equibid.markets.registry import MARKETS
from equibid.markets.settings import Generator
from equibid.markets.sizes import override

DEMO = Generator("demo", impressions=20_000, advertisers=24, ticks=48, categories=6)
"""The market of `equibid demo`, small enough for a first try."""
BPG_100 = Generator("bpg-100", impressions=50_000, advertisers=100, ticks=48, categories=10)
"""A market of a hundred advertisers."""
NCB_1000 = Generator("ncb-1000", impressions=70_000, advertisers=1000, ticks=96, categories=25)
"""A market of a thousand advertisers."""


def _preset(settings: Generator) -> Callable[..., Market]:
    def preset(
        key: jax.Array,
        day: int = 0,
        form: Literal["dense", "sparse"] = "dense",
        **changes: Any,
    ) -> Market:
        """A day of the preset, with fields of `Generator` changed at will; see `generate`."""
        return generate(override(settings, settings.name, changes), key, day, form)

    return preset


MARKETS.add(
    "demo", "Small and heavy-tailed: 24 advertisers, 48 ticks, 20,000 impressions (1.9 MB)."
)(_preset(DEMO))
MARKETS.add("bpg-100", "Heavy-tailed: 100 advertisers, 48 ticks, 50,000 impressions (20 MB).")(
    _preset(BPG_100)
)
MARKETS.add("ncb-1000", "Heavy-tailed: 1,000 advertisers, 96 ticks, 70,000 impressions (280 MB).")(
    _preset(NCB_1000)
)

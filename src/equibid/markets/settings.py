"""Settings of a generated market."""

from dataclasses import dataclass
from math import inf

from equibid.auctions.clearing import Auction
from equibid.auctions.ranked import gsp
from equibid.markets.sizes import check_between, check_sizes, check_whole

GSP = gsp()
TINY = 1e-9


@dataclass(frozen=True)
class Generator:
    """Settings of a generated market.

    Attributes:
        name: of the market.
        impressions: K, a day.
        advertisers: N.
        ticks: T, of equal length, one day together.
        categories: industries, of equal size but for the last.
        interests: how many categories a user is interested in.
        reach: bounds of the share of interested users an advertiser reaches (uniform).
        mean_value: expected conversions of an impression for a typical advertiser that
            reaches it.
        level_spread: standard deviation of log mean value over advertisers.
        value_spread: standard deviation of log value over impressions.
        correlation: ρ, of the log values of two advertisers of a category on an impression.
        drift: standard deviation of log mean value of a category over twelfths of a day.
        target_cpa: median over advertisers, currency per conversion.
        cpa_spread: standard deviation of its log.
        budget_spread: standard deviation of log budget over advertisers of equal ambition.
        competition: total budget over total spend when everybody bids its cap; below 1, money
            is scarce.
        traffic_noise: impressions of a twelfth of a day vary by a factor uniform in 1 ± this.
        auction: the rule under which `competition` is measured.
        outside_price: median over impressions of the highest bid from outside the market,
            currency per impression; 0 where nobody bids from outside.
        outside_spread: standard deviation of its log over impressions.
    """

    name: str
    impressions: int
    advertisers: int
    ticks: int
    categories: int
    interests: int = 3
    reach: tuple[float, float] = (0.1, 0.9)
    mean_value: float = 0.01
    level_spread: float = 0.3
    value_spread: float = 1.2
    correlation: float = 0.4
    drift: float = 0.2
    target_cpa: float = 90.0
    cpa_spread: float = 0.25
    budget_spread: float = 0.7
    competition: float = 0.6
    traffic_noise: float = 0.4
    auction: Auction = GSP
    outside_price: float = 0.0
    outside_spread: float = 0.9

    def __post_init__(self) -> None:
        check_sizes(self.name, self.impressions, self.advertisers, self.ticks)
        check_whole(self.name, 1, categories=self.categories, interests=self.interests)
        names = ("level_spread", "value_spread", "drift", "cpa_spread", "budget_spread")
        names += ("outside_price", "outside_spread")
        check_between(self.name, 0, inf, **{name: getattr(self, name) for name in names})
        names = ("mean_value", "target_cpa", "competition")
        check_between(self.name, TINY, inf, **{name: getattr(self, name) for name in names})
        names = ("correlation", "traffic_noise")
        check_between(self.name, 0, 1, **{name: getattr(self, name) for name in names})
        low, high = self.reach
        check_between(self.name, TINY, 1, reach=low)
        check_between(self.name, low, 1, reach=high)

    @property
    def category_size(self) -> int:
        """Advertisers of a category; the last may have fewer."""
        return -(-self.advertisers // self.categories)

    @property
    def filled_categories(self) -> int:
        """Categories that have an advertiser."""
        return -(-self.advertisers // self.category_size)

"""The rules once more, one impression and one bidder at a time, in plain Python floats.

Slow, obvious, and written without the package's code: what the fast forms are held against.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from equibid.auctions import Ranked, Soft


@dataclass
class Sold:
    """What one impression did: by column of the impression."""

    slot: list[int]
    win: list[float]
    exposure: list[float]
    price: list[float]
    top_bids: list[float] = field(default_factory=list)

    @property
    def market_price(self) -> float:
        """The highest bid that won nothing."""
        return self.top_bids[-1]


def clear(
    auction: Ranked | Soft,
    bids: Sequence[float],
    outside: float | None,
    shown: Sequence[float] | None,
    luck: Sequence[float] | None,
    outside_luck: float = 0.5,
) -> Sold:
    """One impression. `shown` and `luck` are None for expectations."""
    if isinstance(auction, Soft):
        return _soft(auction, bids, outside, None if shown is None else luck, outside_luck)
    return _ranked(auction, bids, outside, shown, luck)


def _ranked(
    auction: Ranked,
    bids: Sequence[float],
    outside: float | None,
    shown: Sequence[float] | None,
    luck: Sequence[float] | None,
) -> Sold:
    count = len(bids)
    chances = []
    chance = 1.0
    for given in auction.exposure:
        chance *= given
        chances.append(chance)
    shares = auction.ties == "split" or (auction.ties == "random" and shown is None)
    use_luck = luck is not None and auction.ties == "random" and shown is not None

    def order(column: int) -> tuple[float, ...]:
        """Higher bids first; then by the rule for ties; then the lower id."""
        if column == count:
            edge = -1.0 if auction.outside_wins_ties else 1.0
            assert outside is not None
            return (-outside, edge, 0.0, column)
        return (-bids[column], 0.0, -luck[column] if use_luck and luck else 0.0, column)

    present = [c for c in range(count) if bids[c] > -math.inf]
    if outside is not None:
        present.append(count)
    ranking = sorted(present, key=order)
    amounts = [*bids, outside if outside is not None else -math.inf]
    sold = Sold([0] * count, [0.0] * count, [0.0] * count, [0.0] * count)
    paid = [0.0] * count
    for rank in range(auction.slots):
        if rank >= len(ranking):
            break
        leader = ranking[rank]
        following = amounts[ranking[rank + 1]] if rank + 1 < len(ranking) else -math.inf
        following = max(following, auction.reserve)
        cost = amounts[leader] if auction.pricing == "own" else following
        if amounts[leader] < auction.reserve or leader == count:
            continue
        if not auction.sell_at_reserve and following <= auction.reserve:
            continue
        winners = [leader]
        if shares:
            winners = [c for c in range(count) if bids[c] == bids[leader]]
        look = chances[rank] if shown is None else shown[rank]
        for c in winners:
            share = 1.0 / len(winners)
            sold.slot[c] = sold.slot[c] or rank + 1
            sold.win[c] += share
            sold.exposure[c] += share * look
            paid[c] += share * look * cost
            sold.price[c] = paid[c] / sold.exposure[c] if shares and sold.exposure[c] else cost
    rungs = [amounts[c] for c in ranking[: auction.slots + 1]]
    rungs += [-math.inf] * (auction.slots + 1 - len(rungs))
    sold.top_bids = [max(rung, auction.reserve) for rung in rungs]
    return sold


def _soft(
    auction: Soft,
    bids: Sequence[float],
    outside: float | None,
    luck: Sequence[float] | None,
    outside_luck: float,
) -> Sold:
    count = len(bids)
    amounts = list(bids) + ([outside] if outside is not None else [])
    noise = None
    if luck is not None:
        noise = list(luck) + ([outside_luck] if outside is not None else [])
    inside = [c for c, b in enumerate(amounts) if b > -math.inf and b >= auction.reserve]
    sold = Sold([0] * count, [0.0] * count, [0.0] * count, [0.0] * count)
    if not inside:
        sold.top_bids = [auction.reserve] * 2
        return sold
    tau = auction.temperature

    def weights(members: Sequence[int]) -> dict[int, float]:
        top = max(amounts[c] for c in members)
        weight = {c: math.exp((amounts[c] - top) / tau) for c in members}
        total = sum(weight.values())
        return {c: w / total for c, w in weight.items()}

    probability = weights(inside)
    mean = sum(p * amounts[c] for c, p in probability.items())
    sold.top_bids = [max(mean, auction.reserve)] * 2
    winner = None
    if noise is not None:
        gumbel = {c: -math.log(-math.log(max(noise[c], 2.0**-54))) for c in inside}
        winner = max(inside, key=lambda c: (amounts[c] / tau + gumbel[c], -c))
    for c in inside:
        if c == count:
            continue
        others = [o for o in inside if o != c]
        if not others:
            price = 0.0
        elif auction.pricing == "hard":
            price = max(amounts[o] for o in others)
        else:
            price = sum(p * amounts[o] for o, p in weights(others).items())
        sold.price[c] = max(price, auction.reserve)
        sold.win[c] = probability[c] if winner is None else float(c == winner)
        sold.exposure[c] = sold.win[c]
        sold.slot[c] = int(sold.win[c] > 0)
    return sold


@dataclass
class Books:
    """Money and who is still there."""

    remaining: list[float]
    quantum: list[float]
    active: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.active = self.active or [money > 0 for money in self.remaining]


def open_books(budgets: Sequence[float]) -> Books:
    """Each budget in multiples of 2^-52 of the power of two above it, or of 2^-300."""
    quanta = [max(math.ldexp(1.0, math.frexp(b)[1] - 52), 2.0**-300) for b in budgets]
    return Books([math.floor(b / q) * q for b, q in zip(budgets, quanta, strict=True)], quanta)


def settle(
    auction: Ranked | Soft,
    books: Books,
    bids: Sequence[float],
    ids: Sequence[int],
    outside: float | None,
    shown: Sequence[float] | None,
    luck: Sequence[float] | None,
    outside_luck: float = 0.5,
) -> Sold:
    """One impression under budgets: who cannot pay leaves, and it is cleared again."""
    while True:
        present = [
            bid if i >= 0 and books.active[i] else -math.inf
            for bid, i in zip(bids, ids, strict=True)
        ]
        sold = clear(auction, present, outside, shown, luck, outside_luck)
        charge = [
            math.ceil(price * exposure / books.quantum[i]) * books.quantum[i] if i >= 0 else 0.0
            for price, exposure, i in zip(sold.price, sold.exposure, ids, strict=True)
        ]
        broke = [i for c, i in enumerate(ids) if i >= 0 and charge[c] > books.remaining[i]]
        if not broke:
            for c, i in enumerate(ids):
                if i >= 0:
                    books.remaining[i] -= charge[c]
            return sold
        for i in broke:
            books.active[i] = False

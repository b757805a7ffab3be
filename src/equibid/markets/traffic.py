"""How a day's impressions spread over its ticks."""

import numpy as np
import numpy.typing as npt

# Share of a day's impressions in each half-hour from midnight, in millionths (AuctionNet,
# Su et al., NeurIPS 2024, its public simulator).
# fmt: off
HALF_HOURS = np.array([
    23012, 10762, 8822, 4816, 4799, 3329, 3393, 3033, 4299, 4863, 11136, 12360,
    18507, 17291, 26119, 24050, 36409, 33095, 38111, 32375, 37192, 32876, 33528, 25498,
    23720, 22214, 26216, 20075, 22233, 20495, 22686, 20809, 24124, 20575, 19990, 16486,
    17456, 16890, 20426, 19787, 24951, 25120, 31101, 28595, 30061, 25651, 25380, 25285,
])
# fmt: on


def hour_of_day(ticks: int) -> npt.NDArray[np.float64]:
    """[T] share of a day's impressions in each tick when the day has `ticks` of equal length."""
    known = np.linspace(0, 1, len(HALF_HOURS) + 1)
    so_far = np.concatenate([[0], HALF_HOURS.cumsum()]) / HALF_HOURS.sum()
    return np.diff(np.interp(np.linspace(0, 1, ticks + 1), known, so_far))


def window(ticks: int, windows: int) -> npt.NDArray[np.int64]:
    """[T] window of the day each tick falls into, when the day has `windows` of equal length."""
    return np.arange(ticks) * windows // ticks


def largest_remainder(share: npt.NDArray[np.float64], total: int) -> npt.NDArray[np.int64]:
    """[T] whole numbers that sum to `total` and differ from ``share · total`` by less than 1."""
    quota = share / share.sum() * total
    whole = np.floor(quota).astype(np.int64)
    rest = np.argsort(whole - quota, kind="stable")[: total - whole.sum()]
    whole[rest] += 1
    return whole


def ticks_of_day(
    impressions: int, ticks: int, factor: npt.NDArray[np.float64]
) -> npt.NDArray[np.int32]:
    """`tick_start` [T+1] of a day of exactly `impressions`.

    Args:
        impressions: K.
        ticks: T, of equal length, one day together.
        factor: [W] by which the traffic of a window of the day departs from its usual one.
    """
    share = hour_of_day(ticks) * factor[window(ticks, len(factor))]
    counts = largest_remainder(share, impressions)
    return np.concatenate([[0], counts.cumsum()]).astype(np.int32)


def tick_of(tick_start: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """[K] tick of each impression."""
    counts = np.diff(tick_start)
    return np.repeat(np.arange(len(counts)), counts)

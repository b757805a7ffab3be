"""How a day's impressions spread over its ticks."""

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int

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


def draw_traffic(
    key: jax.Array, impressions: int, ticks: int, noise: float = 0.4, windows: int = 12
) -> Int[Array, "T+1"]:
    """`tick_start` of a day: its hours, times a chance factor a window, scaled to `impressions`.

    Args:
        key: of the day.
        impressions: exactly as many arrive.
        ticks: of equal length, one day together.
        noise: the factor of a window is uniform in ``1 ± noise``.
        windows: of equal length; AuctionNet has 12 of four ticks.
    """
    factor = jax.random.uniform(key, (windows,), minval=1 - noise, maxval=1 + noise)
    share = hour_of_day(ticks) * np.asarray(factor)[window(ticks, windows)]
    counts = largest_remainder(share, impressions)
    return jnp.asarray(np.concatenate([[0], counts.cumsum()]), jnp.int32)


def tick_of(tick_start: Int[Array, "T+1"]) -> Int[Array, " K"]:
    """[K] tick of each impression."""
    counts = np.diff(np.asarray(tick_start))
    return jnp.asarray(np.repeat(np.arange(len(counts)), counts), jnp.int32)


def per_tick(factor: Float[Array, "W ..."], ticks: int) -> Float[Array, "T ..."]:
    """Numbers drawn for each window of the day, spread over its ticks."""
    return factor[window(ticks, factor.shape[0])]

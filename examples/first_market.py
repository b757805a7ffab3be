"""Two bidders share a small market. Run: python examples/first_market.py."""

import jax
import jax.numpy as jnp
from rich import print

from equibid import BIDDERS, MARKETS, Population, day_before, gsp, simulate

key = jax.random.key(0)
yesterday, today = (MARKETS["demo"](key, day=day, impressions=4000) for day in (0, 1))

# Bidders are tuned on the day before: what every slot would have cost each advertiser.
auction = gsp()
log = day_before(yesterday, auction)
names = ("fixed", "pacing")
bidders = tuple(BIDDERS[name](log) for name in names)

# Advertisers with even ids follow the first bidder, the others the second.
seat = jnp.arange(today.advertisers) % len(names)
delivery = simulate(today, auction, Population(bidders, seat), jax.random.key(1))

total = delivery.total()
for index, name in enumerate(names):
    mine = seat == index
    spend, budget = total.spend[mine].sum(), today.campaigns.budget[mine].sum()
    print(f"{name}: value {total.value[mine].sum():.1f}, spend {spend:.0f} of {budget:.0f}")
# One row a tick and advertiser.
print(delivery.frame().select("tick", "advertiser", "wins", "spend", "value", "remaining"))

"""An equilibrium of a market and its certificate. Run: python examples/first_equilibrium.py."""

import jax
from rich import print

from equibid.auctions import Soft
from equibid.equilibrium import certify, default_temperature, game_of, settle
from equibid.markets import MARKETS

market = MARKETS["demo"](jax.random.key(0), impressions=4000, form="sparse")
game = game_of(market, Soft(default_temperature(market)))
rest = settle(game, 0.5 * game.cap)
certificate = certify(game, rest.factors)
print(certificate.frame().select("factor", "budget", "cost", "returns", "gain", "status"))
print(f"nobody gains more than {certificate.exploitability:.1e} of welfare by another factor")
print(f"nor more than {certificate.exploitability_bound:.1e} by any bids within its budget")

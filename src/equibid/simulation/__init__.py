"""Market × auction × bidders → delivery."""

from equibid.bidders.population import Population, everybody
from equibid.simulation.delivery import Delivery
from equibid.simulation.simulate import simulate, simulate_many, stack

__all__ = ["Delivery", "Population", "everybody", "simulate", "simulate_many", "stack"]

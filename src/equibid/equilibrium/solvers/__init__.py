"""Ways to an equilibrium, by name."""

"""Exact first-price and second-price pacing equilibria."""

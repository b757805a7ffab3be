"""Equilibria of the bidding game, and proofs of how close a profile is to one."""

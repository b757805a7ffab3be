"""Attention-critic coordinated bidding."""

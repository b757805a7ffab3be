"""Losses and targets that algorithms share."""

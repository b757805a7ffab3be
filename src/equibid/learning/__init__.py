"""Bidders that are trained: networks, what they see, and what they are trained on."""

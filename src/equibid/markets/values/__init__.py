"""What impressions are worth, learned from logs: features, models, calibration, quality."""

__all__: list[str] = []

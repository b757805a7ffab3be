"""Many constraints, one formula: parameters adjusted at every tick."""

"""Experiments: studies of one call, simulations, judges, removals and reproductions."""

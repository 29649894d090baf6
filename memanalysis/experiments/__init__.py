"""Experiments with trained or simulated models: simulate, judge, remove, reproduce."""

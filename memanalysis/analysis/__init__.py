"""Estimators and tests on arrays: NumPy and SciPy only, no files, no SQL.

Every statistic that needs an interval is a function of additive counts, so "all groups of models
but one" is a subtraction. The modules, in the order in which they build on each other: outcomes,
intervals, contrasts, trajectories, noise, mixing, dip, polarisation, correlations, trends,
distillation.
"""

"""Simulated worlds whose answer is known, for every rule: what it calls in each, and how often.

``make controls`` prints two tables: how often a rule supports what is absent, and how often it
finds what was planted. Neither ``build`` nor ``report`` waits for them.
"""

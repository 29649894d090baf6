"""A built store as arrays: what findings and derived relations are computed from."""

"""Measurements, each beside a peer in the same run, as a ratio."""

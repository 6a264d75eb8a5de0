"""Requests that are wrong, and what a model makes of them."""

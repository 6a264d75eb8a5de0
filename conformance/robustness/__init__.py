"""Requests that may bring a server down: robustness.*."""

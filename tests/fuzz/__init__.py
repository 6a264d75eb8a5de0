"""Malformed and hostile requests, in number: ``python -m tests.fuzz``."""

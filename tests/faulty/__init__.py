"""Faulty servers for the suite to catch, and unusual ones that are right.

Each is the reference server behind a few lines that change one thing about it.
"""

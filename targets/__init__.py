"""Real servers, each in an environment of its own, for the suite to test: ``python -m targets run NAME``.

A target is a folder of data: ``target.toml`` (see ``targets.definition``), ``constraints.txt`` (the
versions that its baseline was made with, written by ``python -m targets lock``), ``known-failures.toml``
(the baseline), and a script where the server is an SDK.
"""

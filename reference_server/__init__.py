"""A reference server of the Open Inference Protocol (V2, HTTP/REST) and of MLflow's scoring protocol."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

__all__ = ["__version__", "create_app"]
__version__ = "0.1.0"


def create_app(folder: "str | Path", invocations: str | None = None, skip_broken: bool = False) -> "Flask":
    """The WSGI application that serves the models of the model repository ``folder``.

    ``invocations`` names the model behind /invocations; needless when there is only one. ``skip_broken``
    leaves out models that cannot be loaded. The models are loaded when it returns, but not asked yet.
    Raises ``RepositoryError`` when the folder holds nothing that can be served.
    """
    # MLflow starts threads, which do not survive a fork: it is imported by the worker that calls this.
    from pathlib import Path

    from reference_server import app, repository

    return app.build(repository.load(Path(folder), skip_broken), invocations)

"""What can go wrong, each with the HTTP status that tells whose fault it is."""


def told(error: BaseException) -> str:
    """The kind of ``error`` and what it says, in a line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


class ServingError(Exception):
    """An answer other than success. ``str()`` of it is for the client: no path, no traceback."""

    status = 500


class ModelError(ServingError):
    """The model failed, or answered what its signature does not say."""


class BadRequest(ServingError):
    """The request is at fault; the message names the field."""

    status = 400


class NotFound(ServingError):
    """No such model, version or endpoint."""

    status = 404


class UnsupportedMediaType(ServingError):
    """A media type, charset or content encoding that is not served."""

    status = 415


class Unavailable(ServingError):
    """The model is not ready, or could not be loaded; another time or another server may do."""

    status = 503


class NotNow(ServingError):
    """The same request may do a little later; the answer has Retry-After."""

    status = 503


class RequestTimeout(ServingError):
    """The request did not arrive in time."""

    status = 408


class RepositoryError(Exception):
    """The model repository cannot be served; for the person who starts the server.

    ``reason`` says why in words that a client may see.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason

"""The first question to each model: the input example that MLflow saved with it."""

from collections.abc import Iterable

from reference_server import scoring
from reference_server.errors import told
from reference_server.runtime import Model


def ask_examples(models: Iterable[Model]) -> list[str]:
    """Ask every model its input example, as MLflow saved it; what failed, a line for each model.

    The first prediction imports, allocates and compiles: whoever waits for readiness is spared it.
    """
    return [f"model {model.name!r} fails on its input example: {e}" for model in models if (e := _ask(model))]


def _ask(model: Model) -> str | None:
    try:
        if serving := model.pyfunc.metadata.get_serving_input(model.folder):
            scoring.invoke(model, serving.encode(), "application/json")
        elif (example := model.pyfunc.input_example) is not None:
            model.predict(example, None)
    except Exception as error:
        return _line(error)
    return None


def _line(error: BaseException) -> str:
    """The first cause, which MLflow and this server wrap."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return told(error)

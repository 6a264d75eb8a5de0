"""The cheapest form in which a model can be asked, where it is proved to give the same answer.

``pyfunc.predict`` enforces the signature and makes a table, of which scikit-learn makes an array again: for
one row that is nine tenths of the time. A table whose columns and types are those of the signature needs no
enforcement. That it may be left out is known of scikit-learn's own estimators, which see an array in every
table (sklearn.utils.validation, validate_data), and is tried out as well when the model is loaded.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from reference_server.codecs.numeric import Array
from reference_server.hotpath import Columns, Table
from spec.tables import DATATYPES

Shortcut = Callable[[Table], Array]

# Packages of scikit-learn whose estimators take no notice of names: those that choose columns by name, or
# hold other estimators, are elsewhere.
_ARRAYS = (
    "sklearn.cluster.",
    "sklearn.decomposition.",
    "sklearn.discriminant_analysis",
    "sklearn.ensemble._forest",
    "sklearn.ensemble._gb",
    "sklearn.linear_model.",
    "sklearn.naive_bayes",
    "sklearn.neighbors.",
    "sklearn.neural_network.",
    "sklearn.preprocessing._data",
    "sklearn.svm.",
    "sklearn.tree.",
)
_TRIED = (1, 2, 3, 17, 64, 1000)  # rows


def shortcut(pyfunc: Any, columns: Columns | None) -> Shortcut | None:
    """What gives for a table what ``pyfunc.predict`` gives for its DataFrame, or None. It may raise what the
    model raises.
    """
    flavor = pyfunc.metadata.flavors["python_function"]
    if columns is None or pyfunc.loader_module != "mlflow.sklearn" or pyfunc.metadata.get_params_schema():
        return None
    estimator = _without_names(pyfunc.get_raw_model())
    method = getattr(estimator, flavor.get("predict_fn", "predict"), None)
    if method is None:
        return None

    def ask(table: Table) -> Array:
        answer: Array = method(table.array())
        return answer

    try:
        proved = all(_same(ask(table), pyfunc.predict(table.frame())) for table in _trials(columns))
    except Exception:  # not with such numbers
        return None
    return ask if proved else None


def _without_names(estimator: Any) -> Any:
    """``estimator``, fitted on an array: scikit-learn warns where the names are missing. None: not known."""
    if type(estimator) is Pipeline:
        steps = [(name, _without_names(step)) for name, step in estimator.steps]
        if any(step is None for _, step in steps):
            return None
        bare = copy.copy(estimator)
        bare.steps = steps
        return bare
    module = type(estimator).__module__
    if not f"{module}.".startswith(_ARRAYS) or hasattr(estimator, "_sklearn_output_config"):
        return None
    bare = copy.copy(estimator)
    vars(bare).pop("feature_names_in_", None)
    return bare


def _trials(columns: Columns) -> Iterator[Table]:
    random = np.random.default_rng(0)
    for rows in _TRIED:
        parts = [
            (places, (100 * random.random((len(places), rows))).astype(DATATYPES[kind].numpy))
            for kind, places in columns.groups.items()
        ]
        yield Table(columns, parts)


def _same(one: Any, two: Any) -> bool:
    """Whether both are arrays, equal in every bit."""
    return (
        type(one) is type(two) is np.ndarray
        and one.dtype == two.dtype
        and one.shape == two.shape
        and one.tobytes() == two.tobytes()
    )

"""Models of one line, saved as a person saves them."""

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import mlflow.pyfunc

_SCRIPT = """
import datetime
from typing import Any, Optional
import numpy as np
import pandas as pd
import pydantic
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

class Item(pydantic.BaseModel):
    name: str
    price: float
    tags: Optional[list[str]] = None

def seen(value):
    if isinstance(value, pd.DataFrame):
        cells = {{name: [seen(cell) for cell in value[name]] for name in value}}
        return [list(map(str, value.dtypes)), cells]
    if isinstance(value, np.ndarray):
        return ["array", str(value.dtype), repr(value.tolist())]
    return [type(value).__name__, repr(value)]

class Model(PythonModel):
    def predict(self, {parameters}, params=None):
        x = model_input
        return {expression}

set_model(Model())
"""
# The input and the params as they reached the model: their types, the types of their parts, the values.
SEEN = "[seen(x), seen(params)]"


def save(folder: Path, expression: str, *, hint: str = "", **options: Any) -> Path:
    """``folder``, made a repository of one model m, which returns ``expression`` of its input x.

    ``hint`` is the type hint of x; ``options`` are those of ``mlflow.pyfunc.save_model``.
    """
    folder.mkdir()
    script = folder / "script.py"
    parameters = f"model_input: {hint}" if hint else "context, model_input"
    script.write_text(_SCRIPT.format(parameters=parameters, expression=expression), "utf-8")
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # it advises
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            folder / "model", python_model=script, pip_requirements=["mlflow"], **options
        )
    logger.setLevel(level)
    settings = {"name": "m", "implementation": "mlserver_mlflow.MLflowRuntime"}
    (folder / "model-settings.json").write_text(
        json.dumps(settings | {"parameters": {"uri": "./model"}}), "utf-8"
    )
    return folder

"""Models of a few lines, written as MLflow writes them, without MLflow's saving them."""

import json
import zlib
from pathlib import Path
from typing import Any

_MLMODEL = """
model_uuid: 0123456789abcdef0123456789abcdef
flavors:
  python_function:
    code: code
    loader_module: {loader}
    python_version: 3.11.0
"""
_LOADER = """
import numpy, os, sys, time

def wait(file):
    while not os.path.exists(file):
        time.sleep(0.05)

class Model:
    def predict(self, data, params=None):
        {predict}

def _load_pyfunc(path, model_config=None):
    {load}
    model = Model()
    model.config = model_config
    return model
"""


def model(
    folder: Path, predict: str, load: str = "pass", code: dict[str, str] | None = None, mlmodel: str = ""
) -> Path:
    """A model in ``folder``, whose predict (of ``data``) and loading are a line each, with more ``code``."""
    loader = f"load_{zlib.crc32(str(folder).encode())}"  # another one in each test of a process
    sources = {f"{loader}.py": _LOADER.format(predict=predict, load=load)} | (code or {})
    for name, source in sources.items():
        file = folder / "code" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, "utf-8")
    (folder / "MLmodel").write_text(_MLMODEL.format(loader=loader) + mlmodel, "utf-8")
    return folder


def served(
    folder: Path, predict: str, *arguments: Any, settings: dict[str, Any] | None = None, **more: Any
) -> Path:
    """The same in a folder of its own, with settings beside it."""
    model(folder / "model", predict, *arguments, **more)
    write(folder, {"name": folder.name, "parameters": {"uri": "./model"}} | (settings or {}))
    return folder


def write(folder: Path, settings: Any) -> None:
    """A model-settings.json; text as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    text = settings if isinstance(settings, str) else json.dumps(settings)
    (folder / "model-settings.json").write_text(text, "utf-8")

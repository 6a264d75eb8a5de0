"""``serve.py REPOSITORY [options of omle-server]``: scikit-learn models behind omle-server.

Runs in the target's own environment. Each model is converted to OMLE, with its own columns, and served by the
C++ server: what is on the wire is the server's.
"""

import os
import subprocess
import sys
from pathlib import Path

import mlflow.models


def convert(model: Path, file: Path) -> None:
    """Write an MLflow model of scikit-learn as OMLE."""
    signature = mlflow.models.Model.load(str(model)).signature
    names = ",".join(signature.inputs.input_names())
    target = signature.outputs.input_names()[0]
    program = Path(sys.executable).parent / "omle-convert"
    command = [program, "--feature-names", names, "--target-name", target]
    subprocess.run([*command, model / "model.pkl", file], check=True)


if __name__ == "__main__":
    repository, *options = sys.argv[1:]
    folder = Path(repository).parent / "omle-models"
    folder.mkdir(exist_ok=True)
    for model in sorted(Path(repository).glob("*/model")):
        convert(model, folder / f"{model.parent.name}.omle")
    server = Path(sys.executable).parent / "omle-server"
    os.execv(server, [str(server), "serve", "--model-dir", str(folder), *options])

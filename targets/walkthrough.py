"""``python -m targets.walkthrough [suite options]``: the main job in one command.

Builds the wine model, starts the reference server on a free port, sends the seed's three requests
(MLServer documentation, Serving MLflow models), the first one over gRPC too, and runs the suite.
"""

import json
import struct
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc

from spec.service import calls
from targets import definition, environment, server
from targets.__main__ import suite_command

COLUMNS = [
    "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides", "free sulfur dioxide",
    "total sulfur dioxide", "density", "pH", "sulphates", "alcohol",
]  # fmt: skip
ROW = [7.4, 0.7, 0, 1.9, 0.076, 11, 34, 0.9978, 3.51, 0.56, 9.4]


def main(suite: list[str]) -> int:
    """Returns the suite's exit status."""
    target = replace(definition.load("reference", Path(__file__).parent), models=["wine-classifier"])
    prepared = environment.prepare(target, environment.ROOT / ".cache" / "targets")
    repository = environment.build_models(target, prepared)
    with server.running(target, prepared, repository) as started:
        print(f"The reference server listens on {started.url}\n")
        _show(started.url)
        _show_call(started.grpc)
        command = [*suite_command(target, started, repository), *suite]
        return subprocess.run(command, cwd=environment.ROOT).returncode


def _show(url: str) -> None:
    """The seed's three requests and what they give."""
    inputs = [
        {"name": name, "shape": [1], "datatype": "FP32", "data": [value]}
        for name, value in zip(COLUMNS, ROW, strict=True)
    ]
    model = f"{url}/v2/models/wine-classifier"
    print("POST /v2/models/wine-classifier/infer")
    print(json.dumps(_ask(f"{model}/infer", {"parameters": {"content_type": "pd"}, "inputs": inputs})))
    print("\nPOST /invocations")
    print(json.dumps(_ask(f"{url}/invocations", {"dataframe_split": {"columns": COLUMNS, "data": [ROW]}})))
    print("\nGET /v2/models/wine-classifier")
    print(json.dumps(_ask(model)), end="\n\n", flush=True)


def _show_call(address: str) -> None:
    """The seed's first request over gRPC, its numbers raw, and the prediction."""
    call = calls()["ModelInfer"]
    request = call.request(model_name="wine-classifier")
    for name, value in zip(COLUMNS, ROW, strict=True):
        request.inputs.add(name=name, datatype="FP32", shape=[1])
        request.raw_input_contents.append(struct.pack("<f", value))
    with grpc.insecure_channel(address) as channel:
        answer = call.response.FromString(
            channel.unary_unary(call.path)(request.SerializeToString(), timeout=30)
        )
    (output,), (raw,) = answer.outputs, answer.raw_output_contents
    print(f"gRPC {call.path}\n{output.name}: {struct.unpack('<d', raw)[0]}", end="\n\n", flush=True)


def _ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"} if data else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

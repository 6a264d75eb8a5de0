"""Run in KServe's environment: a manifest as written, and as KServe's types of its kind read it."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from kserve import V1alpha1ServingRuntime, V1beta1InferenceService
from kubernetes.client import ApiClient

_KINDS = {"ServingRuntime": V1alpha1ServingRuntime, "InferenceService": V1beta1InferenceService}


class _Response:
    """What the client of Kubernetes reads an object from."""

    def __init__(self, document: Any) -> None:
        self.data = json.dumps(document)


def main(file: Path) -> None:
    """Members that the types do not have are lost, and values of a wrong type refused."""
    written = yaml.safe_load(file.read_text("utf-8"))
    client = ApiClient()
    read = client.deserialize(_Response(written), _KINDS[written["kind"]])
    sys.stdout.write(json.dumps({"written": written, "read back": client.sanitize_for_serialization(read)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

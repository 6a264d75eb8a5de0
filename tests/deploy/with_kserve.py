"""Run in KServe's environment: what of a manifest its types, and those of Kubernetes, do not have."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kserve
import yaml
from kubernetes import client

_KINDS = {"ServingRuntime": "V1alpha1ServingRuntime", "InferenceService": "V1beta1InferenceService"}
_PLAIN = {"str": str, "int": int, "bool": bool, "float": float}


def wrong(value: Any, kind: str, path: str) -> Iterator[str]:
    """The places whose members no type has, or whose values have another type."""
    if inner := re.fullmatch(r"(?:list\[|List\[)(.*)\]", kind):
        for place, one in enumerate(value):
            yield from wrong(one, inner[1], f"{path}[{place}]")
    elif kind in _PLAIN:
        if type(value) is not _PLAIN[kind]:
            yield f"{path} is no {kind}"
    elif found := getattr(kserve, kind, None) or getattr(client, kind, None):
        kinds = {found.attribute_map[name]: kind for name, kind in found.openapi_types.items()}
        for name, one in value.items():
            if name in kinds:
                yield from wrong(one, kinds[name], f"{path}.{name}")
            else:
                yield f"{path}.{name} is unknown"


if __name__ == "__main__":
    document = yaml.safe_load(Path(sys.argv[1]).read_text("utf-8"))
    sys.stdout.write(json.dumps([*wrong(document, _KINDS[document["kind"]], document["kind"])]))

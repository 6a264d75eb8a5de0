"""Health, metadata, versions, the repository index and the OpenAPI document."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import reference_server
from spec.validation import violations
from tests.conftest import ROOT
from tests.server.conftest import JSON, Client, copy_model, running, start


@pytest.fixture(scope="module")
def versioned(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """wine-classifier in versions 9 and 10; the signature of version 9 has integers for its output."""
    folder = tmp_path_factory.mktemp("versions")
    for version in ("9", "10"):
        parameters = {"uri": "./model", "version": version}
        copy_model(
            repository, "wine-classifier", folder / version, {"name": "wine", "parameters": parameters}
        )
    file = folder / "9" / "model" / "MLmodel"
    signature = file.read_text("utf-8")
    file.write_text(signature.replace('"double", "name": "quality"', '"long", "name": "quality"'), "utf-8")
    with running(*start(folder)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "schema", "body"),
    [
        ("/v2/health/live", "v2/server-live", {"live": True}),
        ("/v2/health/ready", "v2/server-ready", {"ready": True}),
        ("/v2/models/tensor/ready", "v2/model-ready", {"name": "tensor", "ready": True}),
        ("/v2", "v2/server-metadata", None),
        ("/v2/", "v2/server-metadata", None),
        ("/v2/models/tensors", "mlserver/model-metadata", None),
        ("/v2/models/no-signature", "v2/model-metadata", None),
    ],
)
def test_answers_satisfy_their_schemas(client: Client, path: str, schema: str, body: Any) -> None:
    answer = client.get(path)
    assert answer.status == 200
    assert not violations(schema, answer.json)
    assert body is None or answer.json == body
    assert client.send("HEAD", path).status == 200


def test_server_metadata_names_the_installed_version(client: Client) -> None:
    answer = client.get("/v2").json
    assert answer["version"] == reference_server.__version__
    assert f'\nversion = "{answer["version"]}"\n' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_the_index_names_every_model(client: Client, repository: Path) -> None:
    names = {folder.name for folder in repository.iterdir() if (folder / "model-settings.json").exists()}
    for body in (None, b"{}", b'{"ready": true}'):
        answer = client.send("POST", "/v2/repository/index", body, JSON)
        assert not violations("mlserver/repository-index", answer.json)
        assert {model["name"] for model in answer.json} == names
        assert all("version" not in model and model["state"] == "READY" for model in answer.json)
    assert client.post("/v2/repository/index", {"ready": False}).json == []
    assert client.post("/v2/repository/index", {"ready": 1}).status == 400


def test_the_openapi_document_refers_to_what_it_has(client: Client) -> None:
    answer = client.get("/v2/docs/dataplane.json")
    document = answer.json
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]["/v2/models/{model_name}/infer"]) == {"parameters", "post"}
    assert b"urn:oip-conformance" not in answer.body
    references = json.dumps(document).split('"$ref": "#/')[1:]
    for reference in references:
        node = document
        for step in reference[: reference.index('"')].split("/"):
            node = node[step]
        assert isinstance(node, dict)


def test_the_latest_version_answers_where_none_is_asked_for(versioned: Client, wine: dict[str, Any]) -> None:
    assert versioned.get("/v2/models/wine").json["versions"] == ["9", "10"]
    answer = versioned.infer("wine", wine)
    assert (answer.status, answer.json["model_version"]) == (200, "10")
    assert versioned.infer("wine/versions/10", wine).json == answer.json
    assert [m["version"] for m in versioned.post("/v2/repository/index", {}).json] == ["10", "9"]


def test_invocations_belongs_to_the_only_model(versioned: Client) -> None:
    assert versioned.post("/invocations", {"inputs": []}).status == 400


@pytest.mark.parametrize("path", ["wine/versions/11", "wine/versions/11/ready", "wine/versions/9/x", "9"])
def test_what_is_not_there_is_not_found(versioned: Client, path: str) -> None:
    answer = versioned.get(f"/v2/models/{path}")
    assert (answer.status, list(answer.json)) == (404, ["error"])


def test_a_model_without_versions_has_none_to_ask_for(client: Client) -> None:
    answer = client.get("/v2/models/wine-classifier/versions/1")
    assert answer.status == 404
    assert "it has no versions" in answer.json["error"]


def test_a_prediction_that_belies_the_signature_is_the_models_failure(
    versioned: Client, wine: dict[str, Any]
) -> None:
    answer = versioned.infer("wine/versions/9", wine)
    assert answer.status == 500
    assert "output 'quality' does not fit the model's metadata" in answer.json["error"]
    assert "INT64" in answer.json["error"]

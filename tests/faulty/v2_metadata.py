"""Faults of server and model metadata."""

import re
from dataclasses import replace
from typing import Any

from tests.faulty.vocabulary import (
    INDEX,
    INFER,
    METADATA,
    MODEL_METADATA,
    SERVER,
    VERSION_METADATA,
    WINE,
    at,
    edits,
    error,
    fault,
    headed,
    path_of,
    permitted,
    responds,
    text,
)
from tests.faulty.wire import Ask, Request, Response, json_response


@fault("v2.server.metadata")
@edits(SERVER)
def server_without_extensions(answer: Any, request: Request) -> None:
    """A server without extensions leaves the list out."""
    del answer["extensions"]


@fault("v2.server.content-type")
@responds(SERVER)
def server_metadata_as_text(response: Response, request: Request) -> Response:
    """Server metadata is JSON, and called text."""
    return headed(response, content_type="text/plain")


@fault("v2.server.both-paths")
@at("GET /v2/")
def slash_unknown(request: Request, ask: Ask) -> Response:
    """/v2/ is another path than /v2."""
    return error(404, "there is no such endpoint")


@fault("v2.server.both-paths")
@at("GET /v2/")
def slash_redirected(request: Request, ask: Ask) -> Response:
    """/v2/ sends the client elsewhere."""
    return headed(text(307, ""), location="/v2")


@fault("v2.server.names-itself")
@edits(SERVER)
def server_without_version(answer: Any, request: Request) -> None:
    """The version is a member without content."""
    answer["version"] = ""


@fault("v2.server.null-members", "v2.server.metadata")
@edits(SERVER)
def server_with_null(answer: Any, request: Request) -> None:
    """What the server does not know is null."""
    answer["extensions"] = None


@fault("v2.server.method")
@at("DELETE /v2/?")
def server_metadata_deleted(request: Request, ask: Ask) -> Response:
    """Server metadata can be deleted, it seems."""
    return json_response({"deleted": True})


@fault("v2.server.repository-index", options=("--model", WINE))
@edits(INDEX)
def index_of_names(answer: Any, request: Request) -> Any:
    """The index is a list of names."""
    return [row["name"] for row in answer]


@fault("v2.server.index-agrees")
@edits(INDEX)
def index_lists_a_ghost(answer: Any, request: Request) -> None:
    """The index lists as ready a model that was deleted."""
    answer.append({"name": "deleted", "state": "READY", "reason": ""})


@fault("v2.model.metadata")
@edits(METADATA)
def metadata_without_platform(answer: Any, request: Request) -> None:
    """The platform is left out."""
    del answer["platform"]


@fault("v2.model.metadata")
@edits(METADATA)
def metadata_lower_case(answer: Any, request: Request) -> None:
    """Datatypes are written in lower case."""
    for tensor in answer["inputs"] + answer["outputs"]:
        tensor["datatype"] = tensor["datatype"].lower()


@fault("v2.model.metadata")
@edits(METADATA)
def metadata_camel_case(answer: Any, request: Request) -> None:
    """The member datatype is called dataType."""
    for tensor in answer["inputs"] + answer["outputs"]:
        tensor["dataType"] = tensor.pop("datatype")


@fault("v2.model.metadata")
@edits(METADATA)
def metadata_shapes_as_text(answer: Any, request: Request) -> None:
    """Dimensions are strings."""
    for tensor in answer["inputs"] + answer["outputs"]:
        tensor["shape"] = [str(d) for d in tensor["shape"]]


@fault("v2.model.metadata")
@edits(METADATA)
def metadata_without_shapes(answer: Any, request: Request) -> None:
    """The outputs have no shape."""
    for tensor in answer["outputs"]:
        del tensor["shape"]


@fault("v2.model.content-type")
@responds(METADATA)
def metadata_as_html(response: Response, request: Request) -> Response:
    """Model metadata is JSON, and called HTML."""
    return headed(response, content_type="text/html; charset=utf-8")


@fault("v2.model.name")
@edits(METADATA)
def metadata_of_the_artifact(answer: Any, request: Request) -> None:
    """The name is that of the file behind the model."""
    answer["name"] = "model.pkl"


@fault("v2.model.tensors")
@edits(METADATA)
def metadata_without_outputs(answer: Any, request: Request) -> None:
    """Nothing is told about the outputs."""
    answer["outputs"] = []


@fault("v2.model.inputs-declared", answers=True)
@edits(METADATA)
def metadata_counts_inputs(answer: Any, request: Request) -> None:
    """The metadata names inputs by their place, requests by the columns."""
    for i, tensor in enumerate(answer["inputs"]):
        tensor["name"] = f"input-{i}"


@fault("v2.model.unique-names")
@edits(METADATA)
def output_listed_twice(answer: Any, request: Request) -> None:
    """An output is listed twice."""
    answer["outputs"] *= 2


@fault("v2.model.null-members")
@edits(METADATA)
def metadata_versions_null(answer: Any, request: Request) -> None:
    """A model without versions says null."""
    answer["versions"] = None


@fault("v2.model.unknown")
@responds(MODEL_METADATA, [404])
def unknown_model_as_html(response: Response, request: Request) -> Response:
    """The framework's own page tells that there is no such model."""
    return text(404, "<h1>Not Found</h1>", "text/html")


@fault("v2.model.unknown-status")
@at(MODEL_METADATA)
def unknown_model_breaks(request: Request, ask: Ask) -> Response:
    """A name that is not there is a failure of the server."""
    return ask(request) if ask(request).status == 200 else error(500, "KeyError")


@fault("v2.model.unknown")
@at(MODEL_METADATA)
def unknown_model_described(request: Request, ask: Ask) -> Response:
    """The metadata of a model that is not there is an empty description."""
    name = path_of(request).rpartition("/")[2]
    empty = {"name": name, "platform": "", "inputs": [], "outputs": []}
    return ask(request) if ask(request).status == 200 else json_response(empty)


@fault("v2.model.versions", model="versioned")
@at(VERSION_METADATA)
def versions_not_described(request: Request, ask: Ask) -> Response:
    """Versions are listed, and have no metadata."""
    return error(404, "there is no such endpoint")


@fault("v2.model.unknown-version")
@at(VERSION_METADATA)
def version_ignored(request: Request, ask: Ask) -> Response:
    """Every version has the metadata of the model."""
    path = path_of(request).partition("/versions/")[0]
    return json_response(ask(Request("GET", path, {}, b"")).json)


@fault("v2.model.unknown-version-status")
@responds(VERSION_METADATA, [404])
def unknown_version_breaks(response: Response, request: Request) -> Response:
    """Versions are not implemented, which is told as a failure of the server."""
    return error(501, "versions are not supported")


@permitted()
@edits(f"{SERVER}|{METADATA}")
def metadata_counts(answer: Any, request: Request) -> None:
    """Metadata have a count of how often they were asked for, as a member of the server's own."""
    request.memory["asked"] = answer["asked"] = request.memory.get("asked", 0) + 1


@fault("v2.model.stable")
@at(f"{METADATA}|{INFER}")
def metadata_learns(request: Request, ask: Ask) -> Response:
    """The platform is that of the metadata until the first inference."""
    response = ask(request)
    if request.method == "POST":
        request.memory["used"] = True
        return response
    used = response.status == 200 and request.memory.pop("used", False)
    return response.with_json(response.json | {"platform": "in-use"}) if used else response


@fault("v2.model.strict-json")
@edits(METADATA)
def metadata_with_nan(answer: Any, request: Request) -> None:
    """A parameter of the model is NaN, which JSON does not have."""
    answer["parameters"] = {**answer.get("parameters", {}), "accuracy": float("nan")}


@fault("v2.model.strict-json")
@responds(METADATA)
def metadata_in_utf_16(response: Response, request: Request) -> Response:
    """The metadata is JSON in UTF-16."""
    return replace(response, body=response.body.decode().encode("utf-16"))


def _named_twice(response: Response) -> Response:
    return replace(response, body=b'{"name":"x",' + response.body.lstrip(b"{"))


@fault("v2.model.strict-json")
@responds(METADATA)
def metadata_member_twice(response: Response, request: Request) -> Response:
    """The metadata has a name twice."""
    return _named_twice(response)


@fault("v2.server.strict-json")
@responds(SERVER)
def server_member_twice(response: Response, request: Request) -> Response:
    """Server metadata has a name twice."""
    return _named_twice(response)


@fault("v2.server.index-complete", options=("--model", WINE))
@edits(INDEX)
def index_empty(answer: Any, request: Request) -> Any:
    """The index has no models although one is served."""
    return []


@fault("v2.server.index-complete", options=("--model", WINE))
@edits(INDEX)
def index_unready(answer: Any, request: Request) -> None:
    """The index says UNAVAILABLE of a model that is ready."""
    for row in answer:
        row["state"] = "UNAVAILABLE"


def _named(request: Request, ask: Ask, names: str) -> Response:
    broken = re.search(names, path_of(request))
    return error(500, "OSError") if broken else ask(request)


@fault("v2.model.unknown-status")
@at(MODEL_METADATA)
def odd_names_break(request: Request, ask: Ask) -> Response:
    """A model name with a slash is a failure of the server."""
    return _named(request, ask, "%2F")


@fault("v2.model.unknown-status")
@at(MODEL_METADATA)
def long_names_break(request: Request, ask: Ask) -> Response:
    """A model name of more than 255 characters is a failure of the server."""
    return _named(request, ask, "[^/]{256}")


@fault("v2.model.unknown-status")
@at(MODEL_METADATA)
def foreign_names_break(request: Request, ask: Ask) -> Response:
    """A model name that is not ASCII is a failure of the server."""
    return _named(request, ask, "%[89A-F]")

"""Faults of gRPC servers: health, metadata, errors."""

import re
from typing import Any

from spec.service import calls
from tests.faulty.rpc import (
    INFER,
    METADATA,
    READY,
    Asked,
    Status,
    before,
    edits,
    fault,
    permitted,
    statuses,
)


@fault("grpc.health.live")
@edits("ServerLive")
def never_live(answer: Any, asked: Asked) -> None:
    """live stays false."""
    answer.live = False


@fault("grpc.health.ready")
@edits("ServerReady")
def never_ready(answer: Any, asked: Asked) -> None:
    """ready stays false."""
    answer.ready = False


@fault("grpc.health.ready")
@before("ServerReady")
def ready_fails(asked: Asked) -> None:
    """ServerReady fails."""
    raise Status("INTERNAL")


@fault("grpc.health.model-ready")
@edits(READY)
def model_ready_empty(answer: Any, asked: Asked) -> None:
    """ModelReady is OK, and says nothing."""
    answer.ready = False


@fault("grpc.health.model-ready")
@before(READY)
def model_ready_unavailable(asked: Asked) -> None:
    """ModelReady of a model that answers is UNAVAILABLE."""
    if asked.message.name == "wine-classifier" and not asked.message.version:
        raise Status("FAILED_PRECONDITION")


@fault("grpc.health.version-ready", model="versioned")
@edits(READY)
def version_not_ready(answer: Any, asked: Asked) -> None:
    """A listed version is never ready."""
    if asked.message.version == "1":
        answer.ready = False


@fault("grpc.health.model-ready-unknown")
@statuses
def all_models_ready(status: Status, asked: Asked) -> Any:
    """Any model is ready."""
    if asked.call == READY and not asked.message.version and asked.message.name:
        return calls()[READY].response(ready=True)
    raise status


@fault("grpc.health.version-ready-unknown")
@statuses
def all_versions_ready(status: Status, asked: Asked) -> Any:
    """Any version is ready."""
    if asked.call == READY and asked.message.version:
        return calls()[READY].response(ready=True)
    raise status


@fault("grpc.health.unknown-status")
@statuses
def unknown_model_fails(status: Status, asked: Asked) -> Any:
    """ModelReady of a model that is not there is UNKNOWN."""
    if asked.call == READY and asked.message.name:
        raise Status("UNKNOWN", "unexpected")
    raise status


@fault("grpc.health.unknown-status")
@statuses
def unknown_version_fails(status: Status, asked: Asked) -> Any:
    """ModelReady of a version that is not there is INTERNAL."""
    if asked.call == READY and asked.message.version:
        raise Status("INTERNAL")
    raise status


@fault("grpc.health.no-name")
@before(READY)
def no_name_fails(asked: Asked) -> None:
    """ModelReady without a name fails."""
    if not asked.message.name:
        raise Status("INTERNAL")


@fault("grpc.health.no-name")
@statuses
def no_name_is_ready(status: Status, asked: Asked) -> Any:
    """A model without a name is ready."""
    if asked.call == READY and not asked.message.name:
        return calls()[READY].response(ready=True)
    raise status


@fault("grpc.health.ready-means-infer")
@before(INFER)
def ready_and_never_answers(asked: Asked) -> None:
    """The model is ready, and every inference UNAVAILABLE."""
    raise Status("UNAVAILABLE")


@fault("grpc.server.metadata")
@before("ServerMetadata")
def server_metadata_fails(asked: Asked) -> None:
    """ServerMetadata fails."""
    raise Status("INTERNAL")


@fault("grpc.server.extensions")
@edits("ServerMetadata")
def statistics_listed(answer: Any, asked: Asked) -> None:
    """It lists statistics, and has none."""
    answer.extensions.append("statistics")


@fault("grpc.server.extensions", has=frozenset({"ModelConfig"}))
@edits("ServerMetadata")
def repository_listed(answer: Any, asked: Asked) -> None:
    """It lists two extensions, and has one of them."""
    answer.extensions.extend(["model_configuration", "model_repository"])


@fault("grpc.server.names-itself")
@edits("ServerMetadata")
def server_without_a_version(answer: Any, asked: Asked) -> None:
    """The server's version is empty."""
    answer.version = ""


@fault("grpc.server.names-itself")
@edits("ServerMetadata")
def server_without_a_name(answer: Any, asked: Asked) -> None:
    """The server's name is empty."""
    answer.name = ""


@fault("grpc.model.metadata")
@before(METADATA)
def model_metadata_fails(asked: Asked) -> None:
    """ModelMetadata of a model that is there fails."""
    if asked.message.name == "wine-classifier" and not asked.message.version:
        raise Status("INTERNAL")


@fault("grpc.model.name")
@edits(METADATA)
def metadata_of_another_name(answer: Any, asked: Asked) -> None:
    """The metadata has the name of the class."""
    answer.name = "ElasticNet"


@fault("grpc.model.tensors")
@edits(METADATA)
def an_output_of_no_datatype(answer: Any, asked: Asked) -> None:
    """A datatype is that of another protocol."""
    answer.outputs[0].datatype = "TYPE_FP64"


@fault("grpc.model.tensors")
@edits(METADATA)
def a_dimension_of_minus_2(answer: Any, asked: Asked) -> None:
    """A dimension that varies is -2."""
    answer.outputs[0].shape[0] = -2


@fault("grpc.model.tensors-declared")
@edits(METADATA)
def no_outputs_declared(answer: Any, asked: Asked) -> None:
    """The metadata lists no outputs."""
    del answer.outputs[:]


@fault("grpc.model.unique-names")
@edits(METADATA)
def an_input_listed_twice(answer: Any, asked: Asked) -> None:
    """An output is listed twice."""
    answer.outputs.append(answer.outputs[0])


@fault("grpc.model.versions", model="versioned")
@before(METADATA)
def a_version_without_metadata(asked: Asked) -> None:
    """A listed version has no metadata."""
    if asked.message.version == "1":
        raise Status("NOT_FOUND")


@fault("grpc.model.unknown")
@statuses
def metadata_of_any_model(status: Status, asked: Asked) -> Any:
    """A model that is not there has empty metadata."""
    if asked.call == METADATA and not asked.message.version:
        return calls()[METADATA].response()
    raise status


@fault("grpc.model.unknown-version")
@before(METADATA)
def metadata_of_any_version(asked: Asked) -> None:
    """The version is not looked at."""
    asked.message.version = ""


@fault("grpc.model.unknown-status")
@statuses
def metadata_unavailable(status: Status, asked: Asked) -> Any:
    """The metadata of a model that is not there is FAILED_PRECONDITION."""
    raise Status("FAILED_PRECONDITION", status.details) if asked.call == METADATA else status


@permitted()
@statuses
def unknown_versions_invalid(status: Status, asked: Asked) -> Any:
    """A version that is not there is INVALID_ARGUMENT: it is no number."""
    version = getattr(asked.message, "version", "") or getattr(asked.message, "model_version", "")
    raise Status("INVALID_ARGUMENT", status.details) if version else status


@fault("grpc.model.stable")
@edits(METADATA)
def metadata_changes(answer: Any, asked: Asked) -> None:
    """The platform is another one each time."""
    asked.memory["count"] = asked.memory.get("count", 0) + 1
    answer.platform += str(asked.memory["count"])


@fault("grpc.parity.metadata", beside=True)
@edits(METADATA)
def another_platform_beside_http(answer: Any, asked: Asked) -> None:
    """gRPC tells another platform than HTTP."""
    answer.platform = "other"


@fault("grpc.errors.no-leak")
@statuses
def class_names_in_details(status: Status, asked: Asked) -> Any:
    """The details are what the library makes of an exception."""
    if asked.call == READY and asked.message.name:
        raise Status("NOT_FOUND", "Unexpected <class 'server.errors.ModelNotFound'>: no")
    raise status


@fault("grpc.errors.no-leak")
@statuses
def traceback_in_details(status: Status, asked: Asked) -> Any:
    """The details have a traceback."""
    if asked.call == INFER:
        raise Status(status.code.name, 'Traceback (most recent call last):\n  File "/app/server.py", line 3')
    raise status


@fault("grpc.errors.message")
@statuses
def no_details(status: Status, asked: Asked) -> Any:
    """Errors have no details."""
    raise Status(status.code.name, "")


@fault("grpc.errors.client-status")
@statuses
def mistakes_are_internal(status: Status, asked: Asked) -> Any:
    """What is wrong with inputs is INTERNAL."""
    if asked.call == INFER and re.search("datatype", status.details):
        raise Status("INTERNAL", status.details)
    raise status


@fault("grpc.errors.next-call")
def lame_after_a_refusal(asked: Asked) -> Any:
    """After a refused shape, the next call is refused."""
    if asked.call == INFER and asked.memory.pop("lame", False):
        raise Status("INVALID_ARGUMENT", "not yet")
    try:
        return asked.answer()
    except Status as status:
        if "2^62" in status.details or "4611686018427387904" in status.details:
            asked.memory["lame"] = True
        raise

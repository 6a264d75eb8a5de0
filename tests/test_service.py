"""The gRPC service as data: the proto file, its descriptors, and what the datatype table has of it."""

from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from spec.service import DESCRIPTORS, NAME, calls, pool
from spec.tables import DATATYPES

PROTO = DESCRIPTORS.with_suffix(".proto")


def test_the_descriptors_are_those_of_the_proto(tmp_path: Path) -> None:
    compiled = tmp_path / "compiled.binpb"
    command = ["protoc", f"-I{PROTO.parent}", f"--descriptor_set_out={compiled}", PROTO.name]
    assert protoc.main(command) == 0
    there, here = (FileDescriptorSet.FromString(f.read_bytes()) for f in (compiled, DESCRIPTORS))
    assert there == here


def test_the_service_has_the_calls_of_the_protocol() -> None:
    wanted = {"ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer"}
    assert set(calls()) == wanted
    assert calls()["ModelInfer"].path == f"/{NAME}/ModelInfer"


def test_each_datatype_but_halves_has_a_typed_field() -> None:
    fields = pool().FindMessageTypeByName("inference.InferTensorContents").fields_by_name
    assert {row.contents for row in DATATYPES.values()} - {""} == set(fields)
    assert [name for name, row in DATATYPES.items() if not row.contents] == ["FP16"]

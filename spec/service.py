"""The gRPC service of the protocol: its calls, and classes for its messages. Needs protobuf.

They are made from the descriptors in ``spec/grpc``, in a pool of their own: other packages put other files of
the same names into protobuf's, of which each may be there once.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

NAME = "inference.GRPCInferenceService"
DESCRIPTORS = Path(__file__).parent / "grpc" / "open_inference_grpc.binpb"


@dataclass(frozen=True)
class Call:
    """A call of the service: its ``path``, and the classes of its messages."""

    path: str
    request: Any
    response: Any


def file() -> bytes:
    """The descriptor of the proto file, for a pool."""
    (found,) = FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file
    return bytes(found.SerializeToString())


@cache
def pool() -> DescriptorPool:
    """The descriptors of the service."""
    found = DescriptorPool()
    found.AddSerializedFile(file())
    return found


@cache
def calls() -> dict[str, Call]:
    """The calls of the service by their names."""
    return {
        method.name: Call(
            f"/{NAME}/{method.name}",
            GetMessageClass(method.input_type),
            GetMessageClass(method.output_type),
        )
        for method in pool().FindServiceByName(NAME).methods
    }

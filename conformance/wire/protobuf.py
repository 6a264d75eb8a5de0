"""One message, written in the ways that Protocol Buffers permits. Pure functions.

Source: Protocol Buffers, Encoding: Repeated Elements, Field Order.
"""

from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from spec.service import file

_Field = FieldDescriptorProto
_NEVER_PACKED = (_Field.TYPE_STRING, _Field.TYPE_BYTES, _Field.TYPE_MESSAGE)


def unpacked(message: Any) -> bytes:
    """The bytes of a message whose repeated numbers are not packed: each has a tag of its own."""
    return bytes(
        _unpacking(message.DESCRIPTOR.full_name).FromString(message.SerializeToString()).SerializeToString()
    )


def backwards(message: Any) -> bytes:
    """The bytes of a message whose fields stand in the opposite order; what is repeated keeps its own."""
    parts = []
    for field, _ in reversed(message.ListFields()):
        alone = type(message)()
        alone.CopyFrom(message)
        for other, _ in message.ListFields():
            if other is not field:
                alone.ClearField(other.name)
        parts.append(alone.SerializeToString())
    return b"".join(parts)


@cache
def _unpacking(name: str) -> Any:
    """The class of a message in a copy of the service's file, in which nothing is packed."""
    described = FileDescriptorProto.FromString(file())
    for message in described.message_type:
        _unpack(message)
    pool = DescriptorPool()
    pool.Add(described)
    return GetMessageClass(pool.FindMessageTypeByName(name))


def _unpack(message: Any) -> None:
    for field in message.field:
        if field.label == _Field.LABEL_REPEATED and field.type not in _NEVER_PACKED:
            field.options.packed = False
    for nested in message.nested_type:
        _unpack(nested)

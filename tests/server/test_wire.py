"""Raw contents found in the bytes of a message are those that protobuf's library finds."""

from typing import Any

from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st

from reference_server import wire
from spec.service import calls

REQUEST = calls()["ModelInfer"].request
# Fields that the message does not have, or not so: a number, an unknown one, a group, fixed numbers, field 0.
ODD = [
    b"\x38\x01",
    b"\x7a\x03abc",
    b"\x43\x44",
    b"\x3d\0\0\0\0",
    b"\x39" + bytes(8),
    b"\x02\x01a",
    b"\xfa\x01\0",
]
# raw_input_contents whose tag, or whose length, is longer than it has to be.
PADDED = [b"\xba\x80\0\x01a", b"\x3a\x81\0a", b"\x3a\x81\x80\x80\x80\0a", b"\x3a\x81\x80\x80\x80\x80\0a"]


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Fields of a request in any order, and what is none; sometimes cut, or with another byte."""
    parts = []
    for kind in draw(st.lists(st.sampled_from("rrrmio"), max_size=6)):
        if kind == "r":
            content = draw(st.binary(max_size=20) | st.sampled_from([bytes(127), bytes(128), bytes(20_000)]))
            parts.append(REQUEST(raw_input_contents=[content]).SerializeToString())
        elif kind == "m":
            parts.append(REQUEST(model_name=draw(st.text(max_size=5)), id="1").SerializeToString())
        elif kind == "i":
            message = REQUEST()
            message.inputs.add(name="a", shape=[1], datatype="FP64")
            parts.append(message.SerializeToString())
        else:
            parts.append(draw(st.sampled_from(ODD + PADDED)))
    whole = b"".join(parts)
    if whole and draw(st.integers(0, 3)) == 0:
        place = draw(st.integers(0, len(whole) - 1))
        changed = bytes([draw(st.integers(0, 255))]) + whole[place + 1 :] if draw(st.booleans()) else b""
        whole = whole[:place] + changed
    return whole


def parsed(data: bytes, raw: list[memoryview]) -> tuple[Any, list[bytes]] | None:
    """A message without its raw contents, and these; None for what is no message."""
    try:
        message = REQUEST.FromString(data)
    except DecodeError:
        return None
    found = [bytes(one) for one in raw] or list(message.raw_input_contents)
    message.ClearField("raw_input_contents")
    return message, found


@given(messages())
@example(b"\x3a\x85\x80\x80\x80\x80\x80\x80\x80\x80\x80\0abcde")  # a length of eleven bytes
@example(b"\x3a\xff\xff\xff\xff\x7fa")  # one beyond 2^32
def test_a_message_in_parts_is_the_message(data: bytes) -> None:
    assert parsed(*wire.split(data)) == parsed(data, [])


def test_the_contents_are_not_in_the_rest() -> None:
    request = REQUEST(model_name="m", raw_input_contents=[b"a", b"", bytes(300)], id="1")
    rest, raw = wire.split(request.SerializeToString())
    assert rest == REQUEST(model_name="m", id="1").SerializeToString()
    assert raw == [b"a", b"", bytes(300)]


def test_very_many_fields_are_left_to_the_library() -> None:
    data = REQUEST(raw_input_contents=[b""] * 10_000).SerializeToString()
    assert len(wire.split(data)[1]) == 10_000
    assert wire.split(data + data) == (data + data, [])

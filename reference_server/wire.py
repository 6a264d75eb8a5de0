"""Raw contents, found in the bytes of a ModelInferRequest: protobuf's library would copy them twice.

Source: open_inference_grpc.proto, ModelInferRequest; Protocol Buffers, Encoding.
"""

_RAW = 7 << 3 | 2  # the tag of raw_input_contents
_LENGTH_DELIMITED = 2
_FIELDS = 10_000  # at most: Python takes its time for each
_MORE = 0x80  # a byte of a number that others follow


def split(data: bytes) -> tuple[bytes, list[memoryview]]:
    """The message without its raw contents, and these, in their order.

    All of ``data``, and none, where there are none, or very many fields, or others than this message has, or
    it is no message: protobuf's library tells what it is.
    """
    whole, place = memoryview(data), 0
    rest: list[memoryview] = []
    raw: list[memoryview] = []
    try:
        while place < len(data):
            tag = data[place]
            size, begin = _number(data, place + 1)
            end = begin + size
            if tag & (_MORE | 7) != _LENGTH_DELIMITED or end > len(data) or len(raw) + len(rest) == _FIELDS:
                return data, []
            if tag == _RAW:
                raw.append(whole[begin:end])
            else:
                rest.append(whole[place:end])
            place = end
    except (IndexError, OverflowError):
        return data, []
    return (b"".join(rest) if raw else data), raw


def _number(data: bytes, place: int) -> tuple[int, int]:
    """The number (varint) that begins at ``place``, and where it ends. Raises ``IndexError`` where ``data``
    ends within it, ``OverflowError`` where it is no length."""
    number = 0
    for shift in range(0, 35, 7):
        byte = data[place]
        place += 1
        number |= (byte & ~_MORE) << shift
        if byte < _MORE:
            return number, place
    raise OverflowError

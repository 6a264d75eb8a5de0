"""Requests that are wrong, each made from a random number generator, as the bytes that go to the server."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from spec.tables import DATATYPES

JSON, CSV, PARQUET = b"application/json", b"text/csv", b"application/vnd.apache.parquet"
BINARY = b"application/octet-stream"
_TOKENS = [
    b"null",
    b"true",
    b"-0",
    b"1e999",
    b"1e308",
    b"-1e-400",
    b"NaN",
    b"Infinity",
    b"[]",
    b"{}",
    b'""',
    b"[[]]",
]
_TOKENS += [
    b"9" * 400,
    b"-" + b"9" * 19,
    b"18446744073709551616",
    b"1" * 17 + b".5",
    b"0x10",
    b"01",
    b"1.",
    b"+1",
]
_TOKENS += [
    b'"\\ud800"',
    b'"\xff"',
    b'"\x00"',
    b'"' + b"a" * 5000 + b'"',
    b'"FP128"',
    b'"BYTES"',
    b'"BOOL"',
    b"[1e18]",
]
_TOKENS += [
    b"[-1]",
    b"[1000000000000000000]",
    b"[9223372036854775807,0]",
    b"[1,1,1,1]",
    b'{"content_type":"pd_json"}',
]
_TOKENS += [
    b'{"content_type":"base64"}',
    b'{"content_type":"datetime"}',
    b'"2026-13-45"',
    b'"====\\n"',
    b"1e5,2e5",
]
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9.eE+]+|true|false|null|\[\]|[\[\]{},:]')


@dataclass(frozen=True)
class Good:
    """Requests that are right: ``path`` and JSON ``body``."""

    path: str
    body: bytes


@dataclass(frozen=True)
class Sent:
    """``parts`` are sent one after the other, ``pause`` seconds apart. ``answers``: how many must come; None
    where the server may close instead."""

    kind: str
    parts: list[bytes]
    answers: int | None = 1
    pause: float = 0.0


def http(
    path: str, body: bytes, media_type: bytes = JSON, head: bytes = b"", length: int | None = None
) -> bytes:
    """A POST request."""
    size = len(body) if length is None else length
    lines = [f"POST {path} HTTP/1.1\r\nHost: fuzz\r\nContent-Length: {size}\r\n".encode()]
    return b"".join([*lines, b"Content-Type: ", media_type, b"\r\n", head, b"\r\n", body])


def request(number: int, seed: int, good: list[Good]) -> Sent:
    """The request of this number: the same for the same seed."""
    random = Random(f"{seed}:{number}")
    base = random.choice(good)
    rare = next((make for make, (every, which) in _RARE.items() if number % every in which), None)
    make = rare or random.choice(_USUAL)
    return make(random, base)


def _tokens(random: Random, base: Good) -> Sent:
    """Some tokens are others."""
    found = [match.span() for match in _TOKEN.finditer(base.body)]
    body = base.body
    for start, end in sorted(random.sample(found, random.randint(1, 3)), reverse=True):
        body = body[:start] + random.choice(_TOKENS) + body[end:]
    return Sent("tokens", [http(base.path, body)])


def _moved(random: Random, base: Good) -> Sent:
    """A piece of the text stands elsewhere, or twice."""
    start, end = sorted(random.choices(range(len(base.body)), k=2))
    place = random.randrange(len(base.body))
    return Sent("moved", [http(base.path, base.body[:place] + base.body[start:end] + base.body[place:])])


def _bytes(random: Random, base: Good) -> Sent:
    """Some bytes are others."""
    body = bytearray(base.body)
    for _ in range(random.randint(1, 8)):
        body[random.randrange(len(body))] = random.randrange(256)
    return Sent("bytes", [http(base.path, bytes(body))])


def _truncated(random: Random, base: Good) -> Sent:
    return Sent("truncated", [http(base.path, base.body[: random.randrange(len(base.body))])])


def _deep(random: Random, base: Good) -> Sent:
    levels = random.choice([60, 64, 65, 100, 1000, 1025, 100_000])
    opening, closing = random.choice([(b"[", b"]"), (b'{"a":', b"}")])
    nested = opening * levels + b"1" + closing * levels
    body = random.choice([nested, b'{"inputs":' + nested + b"}", b'{"instances":' + nested + b"}"])
    return Sent("deep", [http(base.path, body)])


def _members(random: Random, base: Good) -> Sent:
    """The first member of some object stands in it twice, or in another form."""
    place = random.choice([match.end() for match in re.finditer(rb"\{", base.body)])
    member = random.choice(
        [b'"name":"a",', b'"data":[1],', b'"inputs":[],', b'"id":1,', b'"":{},', b'"__proto__":1,']
    )
    return Sent("members", [http(base.path, base.body[:place] + member + base.body[place:])])


def _shapes(random: Random, base: Good) -> Sent:
    sizes = [10**18, 2**63, 2**64, -1, 0, 1, 2, 10**400, 1.0, 1.5]
    shape = [random.choice(sizes) for _ in range(random.choice([0, 1, 2, 3, 65, 500]))]
    document = json.loads(base.body)
    for tensor in document["inputs"] if isinstance(document.get("inputs"), list) else []:
        tensor["shape"] = shape
    return Sent("shapes", [http(base.path, json.dumps(document).encode())])


def _media(random: Random, base: Good) -> Sent:
    """Another media type over the same bytes, or none that is known."""
    types = [CSV, PARQUET, b"", b"application/json; charset=utf-16", b"text/csv; charset=\xff", b"a" * 5000]
    return Sent("media", [http("/invocations", base.body, random.choice(types))])


def _csv(random: Random, base: Good) -> Sent:
    cells = [
        b"1",
        b"",
        b'"',
        b'"a',
        b"\r",
        b"\n",
        b",",
        b"\x00",
        b"\xff",
        b"1e999",
        b"9" * 400,
        b"nan",
        b'""""',
        b"\t",
    ]
    lines = b"\n".join(
        b",".join(random.choices(cells, k=random.randint(1, 12))) for _ in range(random.randint(0, 9))
    )
    return Sent("csv", [http("/invocations", lines, CSV)])


def _parquet(random: Random, base: Good) -> Sent:
    body = (
        b"PAR1"
        + random.randbytes(random.randint(0, 400))
        + random.choice([b"PAR1", b"\xff\xff\xff\x7fPAR1", b""])
    )
    return Sent("parquet", [http("/invocations", body, PARQUET)])


def _binary(random: Random, base: Good) -> Sent:
    """Inputs as raw bytes; their sizes, the length before them and the bytes may be others."""
    document = json.loads(base.body)
    blobs = []
    for tensor in document.get("inputs", []) if "v2" in base.path else []:
        data, datatype = tensor["data"], DATATYPES[tensor["datatype"]]
        if datatype.size and all(isinstance(element, int | float) for element in data):
            blobs.append(np.array(tensor.pop("data"), datatype.numpy).tobytes())
            size = len(blobs[-1])
            told = random.choice([size] * 20 + [0, -1, size - 1, size + 1, 2**63, 1e300, True, "8", None])
            tensor["parameters"] = {"binary_data_size": told}
    text = json.dumps(document).encode()
    length = random.choice([len(text)] * 6 + [0, -1, len(text) - 1, len(text) + 1, 10**30, "²", "", "1e3"])
    body = bytearray(b"".join([text, *blobs]))
    for _ in range(random.choice([0, 0, 1, 8])):
        body[random.randrange(len(body))] = random.randrange(256)
    head = f"Inference-Header-Content-Length: {length}\r\n".encode("latin-1")
    whole = bytes(body[: random.choice([len(body)] * 8 + [random.randrange(len(body))])])
    return Sent("binary", [http(base.path, whole, random.choice([BINARY, JSON]), head)])


def _length(random: Random, base: Good) -> Sent:
    """A length that is not the body's, or no number."""
    if random.random() < 0.5:
        return Sent("length", [http(base.path, base.body, length=random.randrange(len(base.body)))], None)
    text = random.choice([b"-1", b"1e3", b"0x10", b"", b"9" * 40, b"12 ", b"1,2"])
    head = http(base.path, base.body).replace(
        b"Content-Length: %d" % len(base.body), b"Content-Length: " + text
    )
    return Sent("length", [head], None)


def _chunked(random: Random, base: Good) -> Sent:
    size = random.choice(
        [b"%x" % len(base.body), b"ffffffffffffffff", b"-1", b"zz", b"0", b"5;a=" + b"b" * 3000]
    )
    head = http(base.path, b"", head=b"Transfer-Encoding: chunked\r\n").replace(b"Content-Length: 0\r\n", b"")
    return Sent("chunked", [head + size + b"\r\n" + base.body + b"\r\n0\r\n\r\n"], None)


def _ahead(random: Random, base: Good) -> Sent:
    """Several at once, some of them broken."""
    bodies = [base.body, base.body[:-1], b"", base.body[1:]]
    count = random.randint(2, 6)
    return Sent("ahead", [b"".join(http(base.path, random.choice(bodies)) for _ in range(count))], count)


def _heads(random: Random, base: Good) -> Sent:
    """Odd lines, methods, paths and headers."""
    lines = [
        b"X: " + b"a" * 100_000,
        b"X" * 9000 + b": 1",
        b"X: 1\r\n" * 150,
        b"X : 1",
        b"X: \x00",
        b"\xff: 1",
    ]
    lines += [
        b"Content-Encoding: gzip",
        b"Expect: x",
        b"Inference-Header-Content-Length: 5",
        b"Host: y",
        b"Connection: close",
    ]
    whole = http(base.path, base.body, head=random.choice(lines) + b"\r\n")
    line = [
        b"PUT /v2 HTTP/1.1",
        b"POST /v2/models/%ff/infer HTTP/1.1",
        b"POST " + b"/" * 9000 + b" HTTP/1.1",
        b"GET",
    ]
    line += [
        b"POST /v2/models/../../x HTTP/1.1",
        b"POST /v2/models/m/versions//infer HTTP/9.1",
        b"\x16\x03\x01",
    ]
    if random.random() < 0.5:
        whole = random.choice(line) + whole[whole.index(b"\r\n") :]
    return Sent("heads", [whole], None)


def _paths(random: Random, base: Good) -> Sent:
    paths = [
        "/v2/models/x/infer",
        "/v2/models/wine-classifier/versions/9/infer",
        "/v2/repository/index",
        "/ping",
        "/x",
    ]
    return Sent("paths", [http(random.choice(paths), base.body)])


def _slow(random: Random, base: Good) -> Sent:
    whole = http(base.path, base.body)
    cuts = sorted(random.sample(range(1, len(whole)), 3))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    return Sent("slow", parts, pause=0.3)


def _many(random: Random, base: Good) -> Sent:
    tensor = b'{"name":"a","shape":[1],"datatype":"FP64","data":[1]}'
    return Sent("many", [http(base.path, b'{"inputs":[' + b",".join([tensor] * 10**6) + b"]}")])


_USUAL: list[Callable[[Random, Good], Sent]] = [
    *[_tokens, _moved, _bytes] * 3, _truncated, _deep, _members, _shapes, _media, _csv, _parquet, _length,
    _chunked, _ahead, _heads, _paths, _binary, _binary,
]  # fmt: skip
# Which of so many. The first of those that take much memory come before it is measured.
_RARE: dict[Callable[[Random, Good], Sent], tuple[int, range]] = {
    _many: (50_000, range(10_000, 10_004)),
    _slow: (2_000, range(1)),
}


def good_requests(fixture: Path, scored: bool) -> list[Good]:
    """The right requests that a fixture comes with; to /invocations where its model is ``scored``."""
    cases = json.loads((fixture / "answers.json").read_text("utf-8"))["cases"]
    paths = {"v2": f"/v2/models/{fixture.name}/infer"} | ({"mlflow": "/invocations"} if scored else {})
    return [
        Good(paths[case["protocol"]], json.dumps(case["request"]).encode())
        for case in cases
        if case["protocol"] in paths and "status" not in case
    ]

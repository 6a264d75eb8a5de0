"""What the benchmark of the server makes of wrk's output, and of its measurements."""

import pytest

from benchmarks.server import page
from benchmarks.server.load import LoadError, Measured, parse

OUTPUT = """Running 2s test @ http://127.0.0.1:1/
  1 threads and 16 connections
Requests/sec:    100.00
{"requests":300,"seconds":2.000000,"p50":9.500,"p99":20.250,"refused":%d,"broken":%d}"""
CASE = ("/infer", 1, 100, 16)


def sample(server: str, turn: int, rate: float, workers: int = 1) -> dict[str, object]:
    """One round of a server."""
    case = {"endpoint": "/infer", "rows": 100, "connections": 16, "workers": workers}
    return {"server": server, "round": turn, "rate": rate, "p50": 1000 / rate, "p99": 2000 / rate, **case}


RESULT = {
    "date": "2026-01-01",
    "machine": ["a machine"],
    "seconds": 2,
    "rounds": 3,
    # The machine slows down from round to round: the ratio stays.
    "samples": [
        *(sample("reference", turn, rate) for turn, rate in enumerate((900.0, 600.0, 300.0))),
        *(sample("peer", turn, rate) for turn, rate in enumerate((300.0, 200.0, 100.0))),
        *(sample("reference", turn, 1200.0, 2) for turn in range(3)),
    ],
    "forms": [
        {
            "server": server,
            "form": form,
            "rows": 1,
            "rounded": True,
            "connections": 4,
            "round": turn,
            "rate": rate / (turn + 1),
        }
        for server, form, rate in (
            ("reference", "JSON", 300),
            ("reference", "gRPC", 900),
            ("peer", "gRPC", 90),
        )
        for turn in range(3)
    ],
    "memory": [{"server": "reference", "workers": 1, "MiB": 250}],
    "limits": {"100": {"the model": 5000.0}},
}


def test_rates_are_answers_over_seconds() -> None:
    assert parse(OUTPUT % (0, 0), "http://x") == Measured(150.0, 9.5, 20.25)


@pytest.mark.parametrize("errors", [(1, 0), (0, 1)])
def test_answers_that_are_none_are_no_measurement(errors: tuple[int, int]) -> None:
    with pytest.raises(LoadError, match="300 answers"):
        parse(OUTPUT % errors, "http://x")


def test_ratios_are_taken_within_rounds() -> None:
    assert page.median(RESULT, CASE, "reference", "rate") == 600
    assert page.ratio(RESULT, CASE, "peer") == 3


def test_the_page_has_every_table() -> None:
    shown = page.tables(RESULT)
    assert "| 1 | 100 | 16 | 600/s, 1.67 and 3.33 ms | 200/s, 5 and 10 ms, **3.00 times** |" in shown
    assert "| 1 | few | 4 | JSON | 150/s, 1.00 times JSON |  |" in shown
    assert "| 1 | few | 4 | gRPC | 450/s, 3.00 times JSON | 45/s, **10.00 times** |" in shown
    assert "| /infer | 100 | 2.00 |" in shown
    assert "| reference | 1 | 250 |" in shown
    assert "| the model | 5,000 |" in shown

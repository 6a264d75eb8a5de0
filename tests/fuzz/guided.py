"""``python -m tests.fuzz.guided``: bytes that reach new code, for the parts of the server that read them.

Needs atheris (``pip install '.[fuzz]'``). Each part may raise what its docstring says and nothing else, and
what the hot path reads must be what the plain path reads. Bytes that fail are kept in a file.
"""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_SEEDS = {
    "json": [b'{"a":[1,-2.5e3,null,true,"\\u00e9"],"b":{}}', b"[NaN,-Infinity]"],
    "inference": [
        b'{"inputs":[{"name":"a","shape":[2],"datatype":"FP64","data":[1,2.5]},'
        b'{"name":"b","shape":[2,1],"datatype":"INT64","data":[1,2]}],"id":"x"}',
        b'{"inputs":[{"name":"a","shape":[1],"datatype":"FP32","data":[0.1]}],'
        b'"parameters":{"content_type":"pd"}}',
    ],
    "scoring": [
        b'{"dataframe_split":{"columns":["a","b"],"data":[[1,2],[3.5,4]]}}',
        b'{"dataframe_records":[{"a":1,"b":2}]}',
        b'{"inputs":{"a":[1],"b":[2]}}',
        b'{"instances":[{"a":1,"b":2}]}',
    ],
    "csv": [b"a,b\n1.5,2\n,3\n", b'"a","b"\r\n"1","2"\r\n'],
    "settings": [b'{"name":"m","implementation":"mlserver_mlflow.MLflowRuntime","parameters":{"uri":"."}}'],
}


def _reader(part: str, folder: Path) -> Callable[[bytes], None]:
    """What reads the bytes, and lets out only what it should not."""
    import atheris

    with atheris.instrument_imports(include=["reference_server", "spec"]):
        from reference_server import checking, csvtable, decoding, hotpath, jsonio, settings, tables
        from reference_server.errors import BadRequest, RepositoryError
        from reference_server.signature import sides
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    schema = Schema([ColSpec("double", "a"), ColSpec("long", "b")])
    inputs, _ = sides(ModelSignature(schema))
    columns = hotpath.columns(inputs)
    assert columns is not None

    def same(hot: hotpath.Table | None, plain: Callable[[], Any]) -> None:
        """Raises ``AssertionError`` where the paths differ; ``BadRequest`` as the plain path does."""
        try:
            frame = plain()
        except BadRequest:
            assert hot is None, "the hot path takes what the plain one refuses"
            raise
        assert hot is None or hot.frame().equals(frame[list(hot.columns.index)]), "the paths differ"

    def inference(data: bytes) -> None:
        hot = hotpath.inference(data, columns)
        same(hot[1] if hot else None, lambda: decoding.decode(checking.check(jsonio.loads(data)), inputs))

    def scoring(data: bytes) -> None:
        document = jsonio.loads_python(data)
        for form, value in document.items() if isinstance(document, dict) else ():
            if form in ("dataframe_split", "dataframe_records", "instances", "inputs"):
                only = form == "dataframe_split" and len(document) == 1
                read = lambda form=form, value=value: tables.read(form, value, schema)  # noqa: E731
                same(hotpath.dataframe_split(data, columns) if only else None, read)

    def model_settings(data: bytes) -> None:
        (folder / "model-settings.json").write_bytes(data)
        settings.find(folder, {})

    readers: dict[str, Callable[[bytes], object]] = {
        "json": jsonio.loads_python,
        "inference": inference,
        "scoring": scoring,
        "csv": lambda data: csvtable.read(data, schema),
        "settings": model_settings,
    }

    def read(data: bytes) -> None:
        with suppress(BadRequest, RepositoryError):
            readers[part](data)

    return read


def _fuzz(part: str, seconds: int) -> None:
    import atheris

    with TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(_SEEDS[part]):
            (corpus / str(number)).write_bytes(seed)
        options = [f"-max_total_time={seconds}", "-max_len=4096", "-verbosity=0", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *options, str(corpus)], _reader(part, Path(folder)))
        atheris.Fuzz()


def main() -> int:
    """Run the command. Exit status 1: a part let out what it should not."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(_SEEDS)} (default: all)")
    parser.add_argument("--seconds", type=int, default=30, help="for each part (default: 30)")
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("there is no atheris here, which guides by coverage: pip install '.[fuzz]'")
        return 0
    if len(options.parts) == 1:
        _fuzz(options.parts[0], options.seconds)
    failed = []
    for part in options.parts or _SEEDS:
        command = [sys.executable, "-m", "tests.fuzz.guided", part, "--seconds", str(options.seconds)]
        done = subprocess.run(command, capture_output=True, text=True)
        stats = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        print(
            f"{part}: {' '.join(stats) or 'no'} inputs", "" if done.returncode == 0 else done.stderr[-3000:]
        )
        failed += [part] if done.returncode else []
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

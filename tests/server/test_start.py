"""What the command serves: settings, folders as they are mounted, variables, and what it refuses."""

import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from reference_server import create_app, server_settings, settings
from reference_server.cli import main
from reference_server.errors import RepositoryError
from reference_server.server_settings import ServerSettings
from reference_server.settings import Broken, Settings
from tests.conftest import ROOT
from tests.server.conftest import JSON, running, start
from tests.server.handmade import model, served, write

SETTINGS = {"name": "wine", "parameters": {"uri": "./model"}}
MLFLOW = "mlserver_mlflow.MLflowRuntime"


def found(folder: Path, **variables: str) -> list[Settings]:
    """The models of ``folder``, all of them good."""
    models = settings.find(folder, variables)
    return [one for one in models if not isinstance(one, Broken)] if models else []


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ([], "there is no model-settings.json in "),
        (["{"], "0/model-settings.json must be JSON: "),
        (["[]"], '0/model-settings.json must be a JSON object, like {"name": "0", "implementation": '),
        ([SETTINGS | {"name": 3}], "0/model-settings.json: name: 3 is not of type 'string'"),
        ([{"parameters": {"version": 1}}], "parameters.version: 1 is not of type 'string'"),
        ([{"parameters": []}], "parameters: [] is not of type 'object'"),
        ([{"inputs": [{"name": "x", "datatype": "FLOAT", "shape": [-1]}]}], "inputs[0].datatype: 'FLOAT'"),
        ([{"outputs": [{"name": "x", "datatype": "FP32"}]}], "outputs[0]: 'shape' is a required"),
        ([{"implementation": "mlserver_sklearn.SKLearnModel"}], f"implementation must be {MLFLOW}"),
        (["[" * 10**5], "0/model-settings.json must be JSON: maximum recursion depth"),
        ([SETTINGS | {"name": "team/wine"}], "model-settings.json: name: 'team/wine' cannot be in a path"),
        ([SETTINGS | {"name": "\ud800"}], "name: '\\ud800' cannot be in a path"),
        ([{"parameters": {"version": ".."}}], "parameters.version: '..' cannot be in a path"),
        ([SETTINGS, SETTINGS], "1/model-settings.json: model 'wine' is there more than once"),
        ([SETTINGS, {"name": "wine", "parameters": {"version": "1"}}], "more than once"),
    ],
)  # fmt: skip
def test_settings_at_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], contents: list[Any], message: str
) -> None:
    for place, content in enumerate(contents):
        write(tmp_path / str(place), content)
    assert message in refused(capsys, "start", str(tmp_path))


@pytest.mark.parametrize(
    "option",
    ["--port=x", "--port=65536", "--host=", "--workers=0", "--threads=-1", "--graceful-timeout=1.5",
     "--keep-alive=-1", "--nothing=1"],
)  # fmt: skip
def test_options_at_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert option.partition("=")[0] in refused(capsys, "start", str(tmp_path), option)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command complains about."""
    with pytest.raises(SystemExit, match="2"):
        main([*arguments])
    return capsys.readouterr().err


def test_what_can_be_chosen_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["start", "--help"])
    text = capsys.readouterr().out
    for option in ("--skip-broken", "--graceful-timeout", "--keep-alive", "MLSERVER_HTTP_PORT"):
        assert option in text


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (
            "raise BaseException('no file')",
            "reference-server: model 'm' cannot be loaded: BaseException: no file\n",
        ),
        ("os.kill(os.getpid(), 9)", "a worker ended while its models were loading"),
    ],
)
def test_a_model_that_cannot_be_loaded_ends_the_server(tmp_path: Path, load: str, message: str) -> None:
    served(tmp_path / "m", "pass", load)
    command = [sys.executable, *start(tmp_path, "--workers", "2")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 4
    assert done.stderr.count(message) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "load", "invocations", "message"),
    [
        ("exits", "sys.exit('enough')", None, "model 'exits' cannot be loaded: SystemExit: enough"),
        ("keyed", "{}['k']", None, "model 'keyed' cannot be loaded: KeyError: 'k'"),
        ("n", "pass", "u", "--invocations u: no such model; there are n"),
    ],
)
def test_an_application_that_cannot_be_made(
    tmp_path: Path, name: str, load: str, invocations: str | None, message: str
) -> None:
    served(tmp_path / name, "pass", load)
    with pytest.raises(RepositoryError, match=message):
        create_app(tmp_path, invocations)


_FLAVOR = """
mlflow_version: 99.1.0
model_uuid: 0123456789abcdef0123456789abcdef
flavors:
  python_function:
    loader_module: mlflow.{flavor}
    python_version: 3.11.0
"""


def test_a_model_of_another_mlflow(tmp_path: Path) -> None:
    """One whose flavor this MLflow does not have is told with the flavor; one that it can load is served."""
    served(tmp_path / "new" / "m", "return [1.0]")
    (tmp_path / "new" / "m" / "model" / "MLmodel").write_text(_FLAVOR.format(flavor="of_tomorrow"), "utf-8")
    with pytest.raises(RepositoryError, match=r"model 'm' cannot be loaded: .*mlflow\.of_tomorrow"):
        create_app(tmp_path / "new")
    served(tmp_path / "old" / "m", "return [1.0]", mlmodel="mlflow_version: 1.30.0\n")
    assert create_app(tmp_path / "old").test_client().get("/v2/models/m/ready").status_code == 200


def test_folders_as_they_are_mounted(tmp_path: Path) -> None:
    """A ConfigMap: links into a hidden folder; a model folder that is a link; a copy of an editor; a loop."""
    mount, root = tmp_path / "elsewhere" / "iris-v7", tmp_path / "models"
    write(mount / "..2026_11_25", {"name": "iris"})
    (mount / "..data").symlink_to("..2026_11_25")
    (mount / "model-settings.json").symlink_to("..data/model-settings.json")
    write(root / "wine" / "v1", SETTINGS)
    write(root / "wine" / ".ipynb_checkpoints", SETTINGS)
    (root / "iris").symlink_to(mount)
    (root / "again").symlink_to("wine")
    (root / "wine" / "up").symlink_to("..")
    (root / "circle").symlink_to("circle")
    models = found(root)
    assert [(one.name, one.uri) for one in models] == [
        ("iris", str(root / "iris" / ".")),
        ("wine", str(root / "wine" / "v1" / "model")),
    ]


def test_a_link_to_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model-settings.json").symlink_to("..data/model-settings.json")
    assert "model-settings.json cannot be read" in refused(capsys, "start", str(tmp_path))


@pytest.mark.parametrize(
    ("content", "variables", "expected"),
    [
        ({"name": "f"}, {"NAME": "e"}, {"name": "f"}),
        ({}, {"NAME": "e"}, {"name": "e"}),
        ({}, {}, {"name": "m", "version": None, "platform": "mlflow_pyfunc"}),
        ({"parameters": {"version": "1"}}, {"VERSION": "2", "CONTENT_TYPE": "pd"},
         {"version": "1", "content_type": "pd"}),
        ({"parameters": {"version": None}}, {"VERSION": "2"}, {"version": "2"}),
        ({"parameters": None}, {"VERSION": "2", "PARAMETERS": '{"version": "3"}'}, {"version": "3"}),
        ({}, {"PLATFORM": "sklearn", "INPUTS": '[{"name": "x", "datatype": "FP32", "shape": [-1]}]'},
         {"platform": "sklearn", "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1]}]}),
    ],
)  # fmt: skip
def test_the_file_goes_before_the_environment(
    tmp_path: Path, content: Any, variables: dict[str, str], expected: dict[str, Any]
) -> None:
    write(tmp_path / "m", content)
    (one,) = found(tmp_path, **{f"MLSERVER_MODEL_{name}": value for name, value in variables.items()})
    assert {name: getattr(one, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"MLSERVER_MODEL_PARAMETERS": "{"}, "MLSERVER_MODEL_PARAMETERS must be JSON"),
        ({"MLSERVER_MODEL_PARAMETERS": "1"}, "MLSERVER_MODEL_PARAMETERS must be a JSON object"),
        ({"MLSERVER_MODEL_PARAMETERS": '{"uri": 3}'}, "the environment: parameters.uri: 3 is not of type"),
        ({"MLSERVER_MODEL_INPUTS": "[1]"}, "inputs[0]"),
        ({"MLSERVER_MODEL_IMPLEMENTATION": "a.B"}, f"the environment: implementation must be {MLFLOW}"),
        ({"MLSERVER_MODEL_URI": "models:/wine/1"}, "the model has no name; set MLSERVER_MODEL_NAME"),
        ({"MLSERVER_MODEL_URI": "", "MLSERVER_MODEL_NAME": "m"}, "no MLSERVER_MODEL_URI beside"),
    ],
)
def test_variables_at_fault(tmp_path: Path, variables: dict[str, str], message: str) -> None:
    with pytest.raises(RepositoryError) as caught:
        settings.find(tmp_path, {"MLSERVER_MODEL_URI": "m"} | variables)
    assert message in str(caught.value)


def test_a_model_without_settings_is_told_what_to_write(tmp_path: Path) -> None:
    model(tmp_path / "iris", "pass")
    with pytest.raises(RepositoryError) as caught:
        settings.find(tmp_path, {})
    text = str(caught.value)
    written = json.loads(text[text.index("{") : text.rindex("}") + 1])
    (tmp_path / "model-settings.json").write_text(json.dumps(written))
    (one,) = found(tmp_path)
    assert (one.name, one.uri) == ("iris", str(tmp_path / "iris"))


@pytest.mark.parametrize("uri", ["{}", "./{}/", "file:{}", "file://{}", "file://localhost{}"])
def test_a_uri_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    """Its name is the model's; one that is no URI may have what an URI escapes."""
    folder = tmp_path / "my 50%25 model"
    monkeypatch.chdir(tmp_path)
    place = str(folder).replace("%", "%25") if "//" in uri else folder.name
    place = place.replace("%", "%25") if uri == "file:{}" else place
    (one,) = found(tmp_path, MLSERVER_MODEL_URI=uri.format(place))
    assert (one.name, one.uri) == (folder.name, str(folder))


def test_a_uri_of_nothing(tmp_path: Path) -> None:
    write(tmp_path / "m", SETTINGS)
    with pytest.raises(RepositoryError, match=r"m/model-settings.json: parameters.uri: there is no folder /"):
        create_app(tmp_path)


def test_a_script_name_at_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "svc")
    assert "SCRIPT_NAME: 'svc' is not a path from / on" in refused(capsys, "start", str(tmp_path))


@pytest.mark.parametrize("given", [(), ("",)])
def test_no_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MLSERVER_MODELS_DIR", "")
    assert "name the FOLDER to serve, or set MLSERVER_MODELS_DIR" in refused(capsys, "start", *given)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("127.0.0.1", "Address already in use"),
        ("[::1]", "Address already in use"),
        ("a..b", ""),
        ("203.0.113.1", "Cannot assign"),
    ],
)
def test_where_it_cannot_listen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str, reason: str
) -> None:
    served(tmp_path / "m", "pass")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server(("::1" if ":" in host else "127.0.0.1", 0), family=family) as taken:
        port = taken.getsockname()[1]
        told = refused(capsys, "start", str(tmp_path), "--host", host, "--port", str(port))
    assert f"cannot listen on '{host.strip('[]')}', port {port}: {reason}" in told
    assert told.endswith("; choose another --host or --port\n")


@pytest.mark.parametrize("text", ["{", "[]", "3"])
def test_a_model_config_at_fault(text: str) -> None:
    with pytest.raises(RepositoryError, match="SERVING_MODEL_CONFIG must be"):
        settings.model_config({"SERVING_MODEL_CONFIG": text})
    assert settings.model_config({"SERVING_MODEL_CONFIG": ""}) is None


@pytest.mark.parametrize(
    ("content", "variables", "expected"),
    [
        (None, {}, ServerSettings(None, None, None, None, "", [])),
        (None, {"MLSERVER_HTTP_PORT": "80", "MLSERVER_HOST": "::", "MLSERVER_PARALLEL_WORKERS": "0"},
         ServerSettings("::", 80, None, 1, "", [])),
        ({"http_port": 81, "grpc_port": 82, "metrics_port": 83, "debug": True}, {"mlserver_http_port": "80"},
         ServerSettings(None, 81, 82, None, "", [])),
        ({"parallel_workers": 3, "root_path": "/svc/"}, {}, ServerSettings(None, None, None, 3, "/svc", [])),
        ({"kafka_enabled": False, "cors_settings": {"allow_origins": ["*"]}, "server_name": "s"}, {},
         ServerSettings(None, None, None, None, "", ["cors_settings", "server_name"])),
    ],
)  # fmt: skip
def test_settings_of_the_server(
    tmp_path: Path, content: Any, variables: dict[str, str], expected: ServerSettings
) -> None:
    if content is not None:
        (tmp_path / "settings.json").write_text(json.dumps(content))
    assert server_settings.read(tmp_path, variables) == expected


@pytest.mark.parametrize(
    ("content", "variables", "message"),
    [
        ("{", {}, "settings.json must be JSON"),
        ("[]", {}, "settings.json must be a JSON object"),
        pytest.param("[" * 10**5, {}, "settings.json must be JSON: maximum recursion depth", id="deep"),
        ('{"http_port": "x"}', {}, "settings.json: http_port: 'x' is not a port"),
        ('{"host": 1}', {}, "settings.json: host: 1 is not a text"),
        ('{"root_path": "svc"}', {}, "settings.json: root_path: 'svc' is not a path from / on"),
        (
            "{}",
            {"MLSERVER_PARALLEL_WORKERS": "-1"},
            "MLSERVER_PARALLEL_WORKERS: '-1' is not a number from 0 on",
        ),
        ("{}", {"MLSERVER_HTTP_PORT": ""}, "MLSERVER_HTTP_PORT: '' is not a port"),
    ],
)
def test_settings_of_the_server_at_fault(
    tmp_path: Path, content: str, variables: dict[str, str], message: str
) -> None:
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(RepositoryError) as caught:
        server_settings.read(tmp_path, variables)
    assert message in str(caught.value)


def test_as_kserve_starts_it(tmp_path: Path) -> None:
    """No settings, only variables; and what mlflow's own variable configures. One thread: the model, which
    keeps what it was asked, is asked one at a time. Gateways keep the prefix of the path, or strip it."""
    predict = "self.x = data; time.sleep(0.02); return [v * self.config['f'] for v in numpy.ravel(self.x)]"
    model(tmp_path, predict, mlmodel="    config:\n      f: 1.0\n")
    variables = {
        "MLSERVER_MODEL_NAME": "mine",
        "MLSERVER_MODEL_URI": str(tmp_path),
        "MLSERVER_MODEL_IMPLEMENTATION": MLFLOW,
        "MLSERVER_MODEL_VERSION": "v7",
        "MLSERVER_MODELS_DIR": str(tmp_path / "none"),
        "MLSERVER_HTTP_PORT": "0",
        "MLSERVER_ROOT_PATH": "/svc",
        "SERVING_MODEL_CONFIG": '{"f": 2.0}',
    }
    command = ("-m", "reference_server.cli", "start", "--threads", "1")
    with running(*command, environment=variables) as client:
        assert client.get("/v2/models/mine").json["versions"] == ["v7"]
        _below_a_root_path(client)

        def ask(value: int) -> Any:
            inputs = [{"name": "x", "datatype": "FP64", "shape": [1], "data": [value]}]
            return client.infer("mine", {"inputs": inputs}).json["outputs"][0]["data"]

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(16))) == [[value * 2.0] for value in range(16)]


def _below_a_root_path(client: Any) -> None:
    for prefix in ("/svc", ""):
        assert client.get(f"{prefix}/v2/models/mine/ready").status == 200
        assert client.get(f"{prefix}/v2/docs/dataplane.json").json["servers"] == [{"url": "/svc"}]
        assert client.get(f"{prefix}/v2/x").json == {"error": "there is no such endpoint"}
        assert client.get(f"{prefix}/x").json["error_code"] == "ENDPOINT_NOT_FOUND"


@pytest.mark.parametrize("place", [".", "../bare", "{}/"])
def test_a_bare_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """/mnt/models holds an MLmodel, and is the current folder or not."""
    folder = model(tmp_path / "bare", "pass")
    monkeypatch.chdir(folder)
    (one,) = found(Path(place.format(folder)))
    assert (Path(one.uri).resolve(), one.name) == (folder, "bare")


def test_under_a_script_name(tmp_path: Path) -> None:
    x, y = ({"name": name, "datatype": f"FP{bits}", "shape": [-1]} for name, bits in (("x", 32), ("y", 64)))
    served(tmp_path / "m", "return [1.0]", settings={"inputs": [x], "outputs": [y], "platform": "mine"})
    with running(*start(tmp_path), environment={"SCRIPT_NAME": "/svc/wine/"}) as client:
        base = "/svc/wine/v2/models"
        assert client.get(f"{base}/n").json == {"error": "there is no model 'n'; this server has m"}
        assert client.post(f"{base}/m/infer", {}).json.keys() == {"error"}
        assert client.get("/svc/wine/v2/docs/dataplane.json").json["servers"] == [{"url": "/svc/wine"}]
        assert client.get("/v2/models/m").status == 404
        _declared(client, base)
        preflight = {"Origin": "https://a", "Access-Control-Request-Method": "POST"}
        refused = client.send("OPTIONS", f"{base}/m/infer", headers=preflight)
        assert (refused.status, refused.headers["Allow"]) == (405, "POST")
        assert not any(name.lower().startswith("access-control") for name in refused.headers)


def _declared(client: Any, base: str) -> None:
    """The tensors that the settings declare are the metadata, and what requests are held to."""
    metadata = client.get(f"{base}/m").json
    assert metadata["platform"] == "mine"
    assert [(t["name"], t["datatype"]) for t in metadata["inputs"] + metadata["outputs"]] == [
        ("x", "FP32"),
        ("y", "FP64"),
    ]
    given = {"name": "x", "datatype": "FP32", "shape": [1], "data": [1]}
    answer = client.send("POST", f"{base}/m/infer", json.dumps({"inputs": [given]}).encode(), JSON)
    assert answer.json["outputs"][0]["name"] == "y"
    wrong = client.send(
        "POST", f"{base}/m/infer", json.dumps({"inputs": [given | {"name": "z"}]}).encode(), JSON
    )
    assert wrong.status == 400


def test_declared_tensors_that_do_not_fit_together(tmp_path: Path) -> None:
    tensor = {"name": "x", "datatype": "FP32", "shape": [-1, 3]}
    served(
        tmp_path / "m",
        "pass",
        settings={"inputs": [tensor], "parameters": {"uri": "model", "content_type": "pd"}},
    )
    with pytest.raises(
        RepositoryError, match=r"m/model-settings.json: inputs: content_type pd takes columns"
    ):
        create_app(tmp_path)

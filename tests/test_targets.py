"""The runner of real servers, on tiny targets: no network, no package to install."""

import os
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.harness.report import SETUP_EXIT
from targets.__main__ import NOT_RUN, NOT_STARTED, main
from targets.definition import Target, load, names
from targets.environment import ROOT, Environment, prepare, uv
from targets.server import StartError, running

SERVER = """
import http.server, os, subprocess, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.environ["GREETING"].encode())
child = subprocess.Popen([sys.executable, "-c", {child!r}])
print("child", child.pid, flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
SLEEPS = "import time; time.sleep(600)"
IGNORES_TERM = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"

Define = Callable[..., Target]


@pytest.fixture
def define(tmp_path: Path) -> Define:
    """Writes the target ``tiny``, whose command runs ``source`` with this interpreter, and loads it."""

    def write(source: str, settings: str = "") -> Target:
        folder = tmp_path / "targets" / "tiny"
        folder.mkdir(parents=True)
        (folder / "serve.py").write_text(source)
        (folder / "target.toml").write_text(
            f'command = ["{{python}}", "{{here}}/serve.py", "{{port}}"]\nready = "/"\nmodels = []\n'
            f'profiles = ["v2"]\n{settings}\n[environment]\nGREETING = "port {{port}}"\n'
        )
        return load("tiny", tmp_path / "targets")

    return write


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path, Path(sys.executable), None)


def test_every_target_is_complete() -> None:
    root = ROOT / "targets"
    known = {"kserve", "mlflow", "mlflow2", "mlserver", "reference", "reference-mlflow2", "triton"}
    assert known <= set(names(root))
    for name in names(root):
        target = load(name, root)
        others = [r for r in target.requirements if r != "--editable={root}[server]"]
        assert all("==" in requirement or "<" in requirement for requirement in others), name
        assert target.constraints.exists() == bool(target.requirements), name
        if target.requirements:
            pins = target.constraints.read_text().splitlines()
            assert f"#    python -m targets lock {name}" in pins, name
            assert {requirement for requirement in others if "==" in requirement} <= set(pins), name


def test_needs_of_the_checkout_are_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needs = [*project["dependencies"], *extras["grpc"], *extras["server"]]
    needs = [need for need in needs if not need.startswith(project["name"])]
    constraints = load("reference-mlflow2", ROOT / "targets").constraints.read_text()
    pinned = {line.partition("==")[0] for line in constraints.splitlines()}
    assert {need.partition(">=")[0] for need in needs} <= pinned
    assert project["name"] not in constraints


def test_server_gets_its_port_and_environment(define: Define, environment: Environment) -> None:
    with running(define(SERVER.format(child=SLEEPS)), environment, environment.cache) as server:
        greeting = urllib.request.urlopen(server.url, timeout=10).read().decode()
        assert greeting == f"port {server.url.rpartition(':')[2]}"


@pytest.mark.parametrize("child", [SLEEPS, IGNORES_TERM], ids=["ends at SIGTERM", "ignores SIGTERM"])
def test_stop_ends_the_whole_group(define: Define, environment: Environment, child: str) -> None:
    target = define(SERVER.format(child=child))
    with running(target, environment, environment.cache, stop_seconds=1) as server:
        pid = int(server.log.read_text().split()[1])
        os.kill(pid, 0)
    assert server.process.returncode is not None
    assert not is_alive(pid)


def test_server_that_dies_is_reported_with_its_log(
    define: Define, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    define("import sys; print('model is broken'); sys.exit(3)")
    status = main(["run", "tiny", "--cache", str(tmp_path / "cache")], tmp_path / "targets")
    message = capfd.readouterr().err
    assert status == NOT_STARTED
    assert "tiny: not started: the server ended with status 3" in message
    assert "model is broken" in message


def test_server_that_never_is_ready_is_stopped(define: Define, environment: Environment) -> None:
    target = define("import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    with (
        pytest.raises(StartError, match=r"not ready after 1 s at /; .*\n\d+") as caught,
        running(target, environment, environment.cache, start_seconds=1),
    ):
        pytest.fail("a server that is not ready must not be used")
    assert not is_alive(int(str(caught.value).splitlines()[-1]))


def test_missing_interpreter_is_not_run(
    define: Define, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    define("", settings='python = "3.99"\nrequirements = ["anything==1"]')
    status = main(["run", "tiny", "--cache", str(tmp_path / "cache")], tmp_path / "targets")
    assert status == NOT_RUN
    lines = capfd.readouterr().err.splitlines()
    assert lines == [f"tiny: not run: there is no CPython 3.99 on PATH or beside {sys.base_prefix}"]


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that pip and uv find packages in."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    found = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "PIP_FIND_LINKS": folder, "UV_FIND_LINKS": folder}
    for name, value in {**found, "UV_CACHE_DIR": tmp_path / "uv"}.items():
        monkeypatch.setenv(name, str(value))
    return folder


@pytest.fixture
def without_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This interpreter in a folder of its own, and a PATH without uv."""
    venv.create(tmp_path / "bare", symlinks=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    folders = [folder for folder in os.get_exec_path() if not Path(folder, "uv").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(folders))


@pytest.fixture(params=["pip", "uv"])
def installer(request: pytest.FixtureRequest) -> str:
    if request.param == "pip":
        request.getfixturevalue("without_uv")
    return str(request.param)


needs_uv = pytest.mark.skipif(uv() is None, reason="there is no uv: pip install uv")
both_installers = pytest.mark.parametrize(
    "installer", ["pip", pytest.param("uv", marks=needs_uv)], indirect=True
)


@both_installers
def test_missing_package_is_not_run(
    define: Define, tmp_path: Path, capfd: pytest.CaptureFixture[str], wheels: Path, installer: str
) -> None:
    define("", settings='requirements = ["no-such-package-of-this-suite==1"]')
    status = main(["run", "tiny", "--cache", str(tmp_path / "cache")], tmp_path / "targets")
    assert status == NOT_RUN
    (line,) = capfd.readouterr().err.splitlines()
    told = {"pip": "ERROR: No matching", "uv": "cause: Because no-such-package-of-this-suite was not found"}
    assert line.startswith(f"tiny: not run: can't have no-such-package-of-this-suite==1: {told[installer]}")


def test_environment_is_installed_once(define: Define, tmp_path: Path, wheels: Path) -> None:
    target = define("", settings=f'requirements = ["tiny @ {wheel(wheels, 1).as_uri()}"]')
    cache = tmp_path / "cache"
    assert prepare(target, cache).python.is_relative_to(cache)
    assert (cache / "tiny" / "packages.txt").read_text().startswith("tiny @ ")
    (kept := cache / "tiny" / "venv" / "kept").touch()
    prepare(target, cache)
    assert kept.exists()
    target.constraints.write_text("other==1\n")
    prepare(target, cache)
    assert not kept.exists()


@needs_uv
def test_either_installer_installs_the_pins(
    define: Define, tmp_path: Path, wheels: Path, request: pytest.FixtureRequest
) -> None:
    target = define("", settings='requirements = ["tiny"]')
    for version in (1, 2):
        wheel(wheels, version)
    target.constraints.write_text("tiny==1\n")
    prepare(target, tmp_path / "with-uv")
    request.getfixturevalue("without_uv")
    prepare(target, tmp_path / "with-pip")
    uvs, pips = tmp_path / "with-uv" / "tiny", tmp_path / "with-pip" / "tiny"
    for file in ("packages.txt", "installed.sha256"):
        assert (uvs / file).read_text() == (pips / file).read_text()
    assert (pips / "packages.txt").read_text() == "tiny==1\n"
    installers = [
        next(folder.glob("venv/lib/*/site-packages/tiny-1.dist-info/INSTALLER")) for folder in (uvs, pips)
    ]
    assert [file.read_text().strip() for file in installers] == ["uv", "pip"]


@needs_uv
def test_pins_stay_until_they_are_renewed(
    define: Define, tmp_path: Path, wheels: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = define("", settings='requirements = ["tiny"]')

    def told(*command: str) -> str:
        assert main([*command, "tiny"], tmp_path / "targets") == 0
        return capfd.readouterr().out

    wheel(wheels, 1)
    assert told("lock") == "tiny: tiny (none) -> 1\n"
    assert told("outdated") == "tiny: no change\n"
    wheel(wheels, 2)
    assert told("lock") == "tiny: no change\n"
    assert told("outdated") == "tiny: tiny 1 -> 2\n"
    assert "\ntiny==1\n" in target.constraints.read_text()
    assert told("lock", "--upgrade") == "tiny: tiny 1 -> 2\n"
    header, command, *pins = target.constraints.read_text().splitlines()
    assert (command, pins) == ("#    python -m targets lock tiny", ["tiny==2"])
    assert header.startswith("#")


@needs_uv
@pytest.mark.usefixtures("wheels")
def test_pins_stay_when_nothing_is_found(
    define: Define, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = define("", settings='requirements = ["no-such-package-of-this-suite==1"]')
    target.constraints.write_text("tiny==1\n")
    assert main(["lock"], tmp_path / "targets") == NOT_RUN
    message = capfd.readouterr().err
    assert "Because no-such-package-of-this-suite was not found" in message
    assert message.endswith("lock: not run: uv finds no packages for tiny\n")
    assert target.constraints.read_text() == "tiny==1\n"


@pytest.mark.usefixtures("without_uv")
@pytest.mark.parametrize("command", ["lock", "outdated"])
def test_no_pins_without_uv(
    define: Define, tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    target = define("", settings='requirements = ["tiny"]')
    assert main([command], tmp_path / "targets") == NOT_RUN
    assert (
        capfd.readouterr().err == f"{command}: not run: there is no uv on PATH; to get it: pip install uv\n"
    )
    assert not target.constraints.exists()


def test_options_and_status_are_the_suites(
    define: Define, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    define(SERVER.format(child=SLEEPS))
    run = ["run", "tiny", "--cache", str(tmp_path / "cache")]
    assert main([*run, "-k", "nothing", "--version"], tmp_path / "targets") == 0
    assert "pytest" in capfd.readouterr().out
    assert main([*run, "--requirement", "no.such.requirement"], tmp_path / "targets") == SETUP_EXIT
    assert "no.such.requirement" in capfd.readouterr().err


def test_unknown_target_is_a_mistake(
    define: Define, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    define("")
    with pytest.raises(SystemExit, match="2"):
        main(["run", "huge"], tmp_path / "targets")
    assert "no target is called 'huge'; there are: tiny" in capfd.readouterr().err


def test_ending_the_command_ends_the_server(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "targets", "start", "reference", "--cache", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        try:
            with urllib.request.urlopen(f"{url}/v2/health/ready", timeout=10) as answer:
                assert answer.status == 200
        finally:
            process.terminate()
        assert process.wait(timeout=30) == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/v2/health/ready", timeout=10)


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that ended and was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wheel(folder: Path, version: int) -> Path:
    """An empty package that pip installs without any index."""
    path, info = folder / f"tiny-{version}-py3-none-any.whl", f"tiny-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path

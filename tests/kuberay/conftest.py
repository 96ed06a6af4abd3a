"""One API server for all tests that need one, with KubeRay's kinds and the namespace of our manifests."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.kuberay import schema
from tests.kuberay.api_server import ApiServer, running
from tests.kuberay.control_plane import UnavailableError, program
from tests.kuberay.rendering import ROOT, loaded

_building = pytest.StashKey[subprocess.Popen[bytes]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on an API server come last, so that it is built while others wait for their brokers."""
    items.sort(key=_on_kubernetes)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to build it."""
    if any(map(_on_kubernetes, session.items)) and not session.config.option.collectonly:
        command = [sys.executable, "-m", "tests.kuberay.control_plane"]
        session.config.stash[_building] = subprocess.Popen(command, cwd=ROOT.parent, stderr=subprocess.DEVNULL)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """It goes on for nobody."""
    if building := session.config.stash.get(_building, None):
        building.terminate()
        building.wait()


def _on_kubernetes(item: pytest.Item) -> bool:
    return item.get_closest_marker("on_kubernetes") is not None


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """It refuses pods that do not keep the strictest standard, in our namespace."""
    kinds = [schema.definition(kind) for kind in ("RayCluster", "RayJob", "RayCronJob")]
    try:
        built = program()
    except UnavailableError as error:
        pytest.skip(str(error))
    with running(built, tmp_path_factory.mktemp("control-plane")) as server:
        for kind in kinds:
            server.define(kind)
        (namespace,) = loaded((ROOT / "namespace.yaml").read_text())
        assert server.apply(namespace).code == 201
        yield server

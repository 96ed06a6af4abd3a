"""One API server for all tests that need one, with KubeRay's kinds and the namespace of our manifests."""

from collections.abc import Iterator

import pytest

from tests.kuberay import schema
from tests.kuberay.api_server import ApiServer, running
from tests.kuberay.control_plane import UnavailableError, program
from tests.kuberay.rendering import ROOT, loaded


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

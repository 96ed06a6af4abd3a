"""A real Kubernetes API server on this machine, without containers: it judges what is applied, and runs nothing of it."""

import http.client
import json
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

_START_SECONDS: Final = 120
_CALL_SECONDS: Final = 60
Manifest = dict[str, Any]


class Answer(NamedTuple):
    """The code of HTTP, and the object or what is wrong with it."""

    code: int
    body: dict[str, Any]

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class ApiServer:
    """Speaks to one server as its administrator."""

    def __init__(self, address: tuple[str, int], token: str, certificate: Path) -> None:
        self.address, self._token = address, token
        self.certificate = certificate  # its own, by which it is trusted
        self._trust = ssl.create_default_context(cafile=str(certificate))
        self._plurals: dict[tuple[str, str], tuple[str, bool]] = {}

    def ready(self) -> bool:
        """Whether it answers, and says so."""
        try:
            return self.call("GET", "/readyz").code == 200
        except OSError:
            return False

    def call(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Answer:
        """One call. A body that is no JSON (what the server says of an unknown path) becomes a message."""
        link = http.client.HTTPSConnection(*self.address, timeout=_CALL_SECONDS, context=self._trust)
        try:
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
            link.request(method, path, None if body is None else json.dumps(body), headers)
            answer = link.getresponse()
            text = answer.read().decode()
        finally:
            link.close()
        return Answer(answer.status, json.loads(text) if text.startswith("{") else {"message": text})

    def apply(self, manifest: Manifest, *, dry: bool = False) -> Answer:
        """Server-side apply, which refuses every field that the schema does not have."""
        name = f"{self.path(manifest)}/{manifest['metadata']['name']}"
        options = f"fieldManager=marathon&fieldValidation=Strict{'&dryRun=All' if dry else ''}"
        return self.call("PATCH", f"{name}?{options}", manifest, "application/apply-patch+yaml")

    def kubeconfig(self) -> Manifest:
        """With which another program is the administrator as well."""
        host, port = self.address
        cluster = {"server": f"https://{host}:{port}", "certificate-authority": str(self.certificate)}
        return {
            "apiVersion": "v1", "kind": "Config", "current-context": "tests",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": "tests", "user": {"token": self._token}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
        }  # fmt: skip

    def define(self, definition: Manifest) -> None:
        """A kind of one's own is known, and served."""
        assert self.apply(definition).code in {200, 201}
        spec = definition["spec"]
        path = f"/apis/{spec['group']}/v1/{spec['names']['plural']}"
        deadline = time.monotonic() + _START_SECONDS
        while self.call("GET", path).code != 200:
            assert time.monotonic() < deadline, f"{path} is not served"
            time.sleep(0.05)

    def path(self, manifest: Manifest) -> str:
        """Where objects of that kind, and in that namespace, live. Raises KeyError of a kind that is not served."""
        version, kind = manifest["apiVersion"], manifest["kind"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if (version, kind) not in self._plurals:
            served = self.call("GET", root).body.get("resources", [])
            self._plurals |= {(version, each["kind"]): (each["name"], each["namespaced"]) for each in served if "/" not in each["name"]}  # fmt: skip
        plural, inside = self._plurals[version, kind]
        return f"{root}/namespaces/{manifest['metadata']['namespace']}/{plural}" if inside else f"{root}/{plural}"


@contextmanager
def running(program: Path, folder: Path, host: str = "127.0.0.1") -> Iterator[ApiServer]:
    """The server is ready at that address within the block, with a store of its own in that folder; both are gone afterwards."""
    store, peer, port = free_ports(3)
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,1,system:masters\n")
    key = folder / "accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    with ExitStack() as stack:
        parts = [
            stack.enter_context(started([program, *arguments], folder / f"{arguments[0]}.log"))
            for arguments in (_etcd(folder, store, peer), _apiserver(folder, store, (host, port)))
        ]
        certificate = folder / "certificates" / "apiserver.crt"
        _wait(parts, certificate.exists)
        server = ApiServer((host, port), token, certificate)
        _wait(parts, server.ready)
        yield server


def _wait(parts: list[subprocess.Popen[bytes]], until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not until():
        assert all(part.poll() is None for part in parts), "a part of the control plane ended: see its log"
        assert time.monotonic() < deadline, "the control plane is not ready"
        time.sleep(0.1)


@contextmanager
def started(command: list[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process runs within the block; it is asked to end afterwards, and killed if it does not."""
    with log.open("wb") as out:
        process = subprocess.Popen(["nice", *command], stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _etcd(folder: Path, store: int, peer: int) -> list[str]:
    client, peers = f"http://127.0.0.1:{store}", f"http://127.0.0.1:{peer}"
    return [
        "etcd", f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync", f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}", f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
    ]  # fmt: skip


def _apiserver(folder: Path, store: int, address: tuple[str, int]) -> list[str]:
    """No controller runs, so no namespace gets the default account that pods would have to have."""
    host, port = address
    key = folder / "accounts.key"
    return [
        "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{store}", f"--bind-address={host}",
        f"--secure-port={port}", f"--advertise-address={host}", "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16", f"--cert-dir={folder / 'certificates'}",
        f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc", f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--profiling=false",
    ]  # fmt: skip


def free_ports(count: int) -> list[int]:
    """So many ports of this machine that nobody listens on."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]

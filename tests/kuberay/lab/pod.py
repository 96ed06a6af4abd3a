"""One pod, from its first container to its end, told to the API server as a kubelet does."""

import signal
import threading
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.kuberay.api_server import ApiServer
from tests.kuberay.lab import network
from tests.kuberay.lab.container import Container, Wanted
from tests.kuberay.lab.environment import environment, expanded
from tests.kuberay.lab.image import ENVIRONMENT
from tests.kuberay.lab.volumes import Volumes

Manifest = dict[str, Any]
_LOOK_SECONDS: Final = 0.25
# Ray's own command begins with a shell, and whether that is replaced by its last command depends on the image's shell. This
# one never is, and as the first process it hears no SIGTERM.
_WAITS: Final = ("sh", "-c", '"$@"; exit $?', "sh")


class Ground(NamedTuple):
    """Where pods live: their API server, as they reach it, the image of all of them, and folders for pods and claims."""

    server: ApiServer
    image: Path
    pods: Path
    claims: Path


class Pod:
    """Lives in a thread of its own. It is never restarted, as all pods of ours are."""

    def __init__(self, manifest: Manifest, ground: Ground, number: int) -> None:
        if manifest["spec"]["restartPolicy"] != "Never":
            raise ValueError(
                f"pod {manifest['metadata']['name']}: restartPolicy is not Never, and none is restarted here"
            )
        self.manifest, self._ground, self._number = manifest, ground, number
        self.name: str = manifest["metadata"]["name"]
        self.address = ""
        self.containers: dict[str, Container] = {}
        self._folder = ground.pods / self.name
        self._path = f"{ground.server.path(manifest)}/{self.name}"
        self._ready: set[str] = set()
        self._told: Manifest = {}
        self._leaving = threading.Event()
        self._grace = 0.0
        self._thread = threading.Thread(target=self._live, name=self.name)
        self._thread.start()

    def leave(self, grace: float) -> None:
        """It is asked to end, and killed if it lives after so many seconds. Its object goes when it has ended."""
        self._grace = grace
        self._leaving.set()

    def crash(self) -> None:
        """All its processes are killed at once; nobody has asked for that, or been told."""
        for each in self.containers.values():
            each.signal(signal.SIGKILL)

    def ended(self) -> None:
        """Wait until nothing of it is left."""
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether something of it is left."""
        return self._thread.is_alive()

    def _live(self) -> None:
        with network.joined(self._number) as self.address:
            self.manifest["status"] = {"podIP": self.address}
            spec, ground = self.manifest["spec"], self._ground
            self._volumes = Volumes(ground.server, self.manifest, folder=self._folder, claims=ground.claims)
            if all(self._initialised(each) for each in spec.get("initContainers", ())):
                for each in spec["containers"]:
                    self._start(each)
                while self._running() and not self._leaving.wait(_LOOK_SECONDS):
                    self._probe()
                    self._tell()
                self._tell()
                self._leaving.wait()
            self._go()

    def _initialised(self, container: Manifest) -> bool:
        """It has come to a good end; not where the pod must go before."""
        self._start(container)
        while (code := self.containers[container["name"]].code) is None and not self._leaving.wait(_LOOK_SECONDS):
            self._tell()
        return code == 0

    def _start(self, container: Manifest) -> None:
        found = environment(container, self.manifest, ENVIRONMENT | self._api())
        command = [expanded(each, found) for each in (*container["command"], *container.get("args", ()))]
        if container["name"] == "ray-worker":
            command = [*_WAITS, *command]
        wanted = Wanted(command, found, self._volumes.mounts(container), str(self._number), self.name)
        folder = self._folder / "containers" / container["name"]
        self.containers[container["name"]] = Container(wanted, image=self._ground.image, folder=folder)

    def _api(self) -> dict[str, str]:
        host, port = self._ground.server.address
        return {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port), "KUBERNETES_SERVICE_PORT_HTTPS": str(port)}  # fmt: skip

    def _running(self) -> bool:
        return any(self.containers[each["name"]].code is None for each in self.manifest["spec"]["containers"])

    def _probe(self) -> None:
        """Readiness as KubeRay asks for it, and oftener: by HTTP. A container without a probe is ready."""
        for each in self.manifest["spec"]["containers"]:
            probe = each.get("readinessProbe")
            ready = self.containers[each["name"]].code is None and (not probe or self._answers(probe["httpGet"]))
            (self._ready.add if ready else self._ready.discard)(each["name"])

    def _answers(self, said: Manifest) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}:{said['port']}{said['path']}", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _tell(self) -> None:
        status = self._status()
        if status != self._told:
            self._told = status
            kind = "application/merge-patch+json"
            answer = self._ground.server.call("PATCH", f"{self._path}/status", {"status": status}, kind)
            assert answer.code in {200, 404}, answer.message  # it may be gone

    def _status(self) -> Manifest:
        spec = self.manifest["spec"]
        started = spec["containers"][0]["name"] in self.containers
        codes = {name: each.code for name, each in self.containers.items()}
        own = [codes.get(each["name"]) for each in spec["containers"]]
        ended = started and None not in own
        phase = "Pending" if not started else "Running" if not ended else "Failed" if any(own) else "Succeeded"
        ready = started and all(each["name"] in self._ready for each in spec["containers"]) and not ended
        since = self._told.get("startTime") or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        held = {"PodScheduled": True, "Initialized": started, "ContainersReady": ready, "Ready": ready}
        return {
            "phase": phase, "podIP": self.address, "podIPs": [{"ip": self.address}], "hostIP": network.GATEWAY,
            "startTime": since,
            "conditions": [{"type": name, "status": str(value)} for name, value in held.items()],
            "containerStatuses": [self._state(each, codes) for each in spec["containers"]],
            "initContainerStatuses": [self._state(each, codes) for each in spec.get("initContainers", ())],
        }  # fmt: skip

    def _state(self, container: Manifest, codes: dict[str, int | None]) -> Manifest:
        name = container["name"]
        code = codes.get(name)
        if name not in codes:
            state: Manifest = {"waiting": {"reason": "PodInitializing"}}
        elif code is None:
            state = {"running": {}}
        else:
            state = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed"}}
        return {
            "name": name, "image": container["image"], "imageID": "", "restartCount": 0, "state": state,
            "ready": name in self._ready and code is None, "started": name in codes and code is None,
        }  # fmt: skip

    def _go(self) -> None:
        """What is to be done before, then SIGTERM, then SIGKILL; then the object goes."""
        deadline = time.monotonic() + self._grace
        for each in self.manifest["spec"]["containers"]:
            before = each.get("lifecycle", {}).get("preStop")
            if before and (there := self.containers.get(each["name"])) and there.code is None:
                there.execute(before["exec"]["command"], within=max(0.1, deadline - time.monotonic()))
        for container in self.containers.values():
            container.end(within=max(0.1, deadline - time.monotonic()))
        self._ground.server.call("DELETE", f"{self._path}?gracePeriodSeconds=0")

"""What is mounted into a pod's containers: folders of the lab, filled as the pod's manifest says."""

import os
from pathlib import Path
from typing import Any, Final

from tests.kuberay.api_server import ApiServer

Manifest = dict[str, Any]
TOKEN: Final = "/run/secrets/kubernetes.io/serviceaccount"  # where /var/run leads


class Volumes:
    """The volumes of one pod. Claims are folders that outlive it."""

    def __init__(self, server: ApiServer, pod: Manifest, *, folder: Path, claims: Path) -> None:
        self._server, self._pod = server, pod
        self._space = f"/api/v1/namespaces/{pod['metadata']['namespace']}"
        self._folder, self._claims = folder, claims
        self._made = {each["name"]: self._volume(each) for each in pod["spec"].get("volumes", ())}
        if pod["spec"].get("automountServiceAccountToken", True):
            self._account = {TOKEN: self._token(pod["spec"]["serviceAccountName"])}
        else:
            self._account = {}

    def mounts(self, container: Manifest) -> dict[str, Path]:
        """By their paths in that container."""
        return self._account | {
            each["mountPath"]: self._made[each["name"]] for each in container.get("volumeMounts", ())
        }

    def _volume(self, said: Manifest) -> Path:
        match said:
            case {"emptyDir": _}:
                return self._owned(self._folder / said["name"])
            case {"persistentVolumeClaim": {"claimName": name}}:
                self._get(f"persistentvolumeclaims/{name}")
                return self._owned(self._claims / name)
            case {"configMap": {"name": name}}:
                return self._filled(self._folder / said["name"], self._get(f"configmaps/{name}")["data"])
        raise ValueError(f"not a volume that is known here: {said}")

    def _owned(self, folder: Path) -> Path:
        """Whoever is of the pod's group may write there, and nobody else."""
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, 0, self._pod["spec"]["securityContext"]["fsGroup"])
        folder.chmod(0o2775)
        return folder

    def _filled(self, folder: Path, data: dict[str, str]) -> Path:
        folder.mkdir(parents=True)
        for name, text in data.items():
            (folder / name).write_text(text)
        return folder

    def _token(self, account: str) -> Path:
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        answer = self._server.call("POST", f"{self._space}/serviceaccounts/{account}/token", asked)
        assert answer.code == 201, answer.message
        own = {
            "token": answer.body["status"]["token"],
            "namespace": self._pod["metadata"]["namespace"],
            "ca.crt": self._server.certificate.read_text(),
        }
        return self._filled(self._folder / "account", own)

    def _get(self, path: str) -> Manifest:
        answer = self._server.call("GET", f"{self._space}/{path}")
        assert answer.code == 200, answer.message
        return answer.body

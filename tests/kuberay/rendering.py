"""What kustomize makes of our folders, for the few of its words that they use; a real kustomize is asked as well."""

import json
from pathlib import Path
from typing import Any, Final

import yaml

Manifest = dict[str, Any]
ROOT: Final = Path(__file__).parents[2] / "kuberay"
CLOUDS: Final = ("aks", "eks", "gke", "karpenter")
_KNOWN: Final = {
    "apiVersion", "kind", "namespace", "resources", "patches", "configMapGenerator", "generatorOptions",
}  # fmt: skip


def rendered(folder: Path) -> list[Manifest]:
    """The objects of a folder, each once and nothing shared between them. Raises ValueError of a word it does not know."""
    said = yaml.safe_load((folder / "kustomization.yaml").read_text())
    if unknown := set(said) - _KNOWN:
        raise ValueError(f"{folder}: {sorted(unknown)}")
    objects = [each for name in said["resources"] for each in _read(folder / name)]
    objects += [_generated(folder, each) for each in said.get("configMapGenerator", ())]
    for patch in said.get("patches", ()):
        (target,) = (each for each in objects if _named(each) == (patch["target"]["kind"], patch["target"]["name"]))
        for change in yaml.safe_load(patch["patch"]):
            _change(target, change)
    if "namespace" in said:
        for each in objects:
            each["metadata"]["namespace"] = said["namespace"]
    return objects


def loaded(text: str) -> list[Manifest]:
    """The objects in a text; what an anchor repeats becomes copies, as in kustomize."""
    return [json.loads(json.dumps(each)) for each in yaml.safe_load_all(text) if each]


def _read(path: Path) -> list[Manifest]:
    return rendered(path) if path.is_dir() else loaded(path.read_text())


def _generated(folder: Path, said: Manifest) -> Manifest:
    labels = {"labels": said["options"]["labels"]} if "options" in said else {}
    data = {name: (folder / name).read_text() for name in said["files"]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": said["name"], **labels}, "data": data}


def _named(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _change(target: Any, change: Manifest) -> None:
    *path, last = (part.replace("~1", "/").replace("~0", "~") for part in change["path"][1:].split("/"))
    for part in path:
        target = target[int(part) if isinstance(target, list) else part]
    if change["op"] not in {"add", "replace"} or isinstance(target, list):
        raise ValueError(f"not a change that is known here: {change}")
    if change["op"] == "replace" and last not in target:
        raise ValueError(f"nothing to replace: {change}")
    target[last] = change["value"]

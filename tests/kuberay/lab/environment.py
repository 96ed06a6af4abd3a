"""What a container finds in its environment, by the words of its manifest that KubeRay and we use."""

import re
from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]


def environment(container: Manifest, pod: Manifest, image: Mapping[str, str]) -> dict[str, str]:
    """The image's environment, and over it the container's. The lab has no secrets: only an optional one may be named.

    `pod` knows its address. Raises ValueError of a source that is not known here.
    """
    found = dict(image)
    for each in container.get("env", ()):
        value = (
            expanded(each.get("value", ""), found) if "valueFrom" not in each else _looked_up(each["valueFrom"], pod)
        )
        if value is not None:
            found[each["name"]] = value
    return found


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Each $(NAME) that is known is replaced."""
    return re.sub(r"\$\(([A-Za-z_]\w*)\)", lambda name: known.get(name[1], name[0]), text)


def _looked_up(source: Manifest, pod: Manifest) -> str | None:
    match source:
        case {"secretKeyRef": {"optional": True}}:
            return None
        case {"fieldRef": {"fieldPath": path}}:
            if labelled := re.fullmatch(r"metadata\.labels\['(.+)'\]", path):
                return str(pod["metadata"]["labels"][labelled[1]])
            at: Any = pod
            for step in path.split("."):
                at = at[step]
            return str(at)
    raise ValueError(f"not a source that is known here: {source}")

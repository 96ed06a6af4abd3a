"""The schemas of custom resources, closed: the API server drops a field that it does not know, here it is an error."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator

Manifest = dict[str, Any]
REASON = "MARATHON_CRDS names no folder with KubeRay's resource definitions"


def definitions() -> Path:
    """Where KubeRay's definitions are; the test is skipped where nobody says."""
    where = Path(os.environ.get("MARATHON_CRDS") or "/nowhere") / "kuberay"
    if not where.is_dir():
        pytest.skip(REASON)
    return where


@cache
def definition(kind: str) -> Manifest:
    text = (definitions() / f"ray.io_{kind.lower()}s.yaml").read_text()
    loaded: Manifest = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # a megabyte each
    return loaded


def violations(manifest: Manifest) -> list[str]:
    """Where a custom resource does not keep to its schema, one line each."""
    found = _validator(manifest["kind"], manifest["apiVersion"].partition("/")[2]).iter_errors(manifest)
    return [f"{error.json_path}: {error.message[:200]}" for error in found]


@cache
def _validator(kind: str, version: str) -> Draft4Validator:
    (served,) = (each for each in definition(kind)["spec"]["versions"] if each["name"] == version)
    schema = served["schema"]["openAPIV3Schema"]
    schema["properties"]["metadata"] = {"type": "object"}
    return Draft4Validator(_closed(schema))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(value) for key, value in schema.items()}
    is_schema = isinstance(schema.get("properties"), dict) and "type" in schema
    if is_schema and "additionalProperties" not in schema and "x-kubernetes-preserve-unknown-fields" not in schema:
        made["additionalProperties"] = False
    return made

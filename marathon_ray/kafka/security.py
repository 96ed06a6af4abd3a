"""Client properties that contradict each other, found before a client exists; and texts without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from marathon_ray.kafka.cluster import KafkaError

_WITH_PASSWORD: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_MECHANISMS: Final = (*_WITH_PASSWORD, "OAUTHBEARER", "GSSAPI")
_SECRET: Final = re.compile(r"password|secret|token|\.key|jaas|\.pem$")
_FILE: Final = re.compile(r"ssl\.[a-z.]+\.location")
_PROBE: Final = "probe"  # librdkafka then looks where systems keep their certificates
_HIDDEN: Final = "***"


def check(properties: Mapping[str, str]) -> None:
    """Raise KafkaError on properties with which a client would hang, or talk in the clear against what was meant."""
    for mistake in _mistakes({key: str(value) for key, value in properties.items()}):
        raise KafkaError(mistake)


def _mistakes(properties: Mapping[str, str]) -> Iterator[str]:
    if not (properties.get("bootstrap.servers") or properties.get("metadata.broker.list")):
        yield "bootstrap.servers is not set: it says where the cluster is, as host:port,…"
    protocol = properties.get("security.protocol", "plaintext").upper()
    mechanism = properties.get("sasl.mechanism") or properties.get("sasl.mechanisms")
    if protocol.startswith("SASL_"):
        yield from _half_a_login(properties, protocol, mechanism)
    elif idle := next((key for key in properties if key.startswith("sasl.")), None):
        yield f"{idle} is set, but security.protocol {protocol} does not log in: use SASL_SSL or SASL_PLAINTEXT"
    if not protocol.endswith("SSL") and (idle := next((key for key in properties if key.startswith("ssl.")), None)):
        yield f"{idle} is set, but security.protocol {protocol} does not encrypt: use SSL or SASL_SSL"
    for key, value in properties.items():
        if _FILE.fullmatch(key) and value != _PROBE and not Path(value).exists():
            yield f"{key} {value}: there is no such file"


def _half_a_login(properties: Mapping[str, str], protocol: str, mechanism: str | None) -> Iterator[str]:
    if not mechanism:
        yield f"security.protocol {protocol} needs sasl.mechanism: {', '.join(_MECHANISMS)}"
    elif mechanism.upper() in _WITH_PASSWORD:
        for key in ("sasl.username", "sasl.password"):
            if not properties.get(key):
                yield f"sasl.mechanism {mechanism} needs {key}, which is not set"


def without_secrets(text: str, properties: Mapping[str, str]) -> str:
    """The text on one line, with the value of every property that is a secret hidden."""
    for key, value in properties.items():
        if _SECRET.search(key) and value:
            text = re.sub(rf"(?<!\w){re.escape(str(value))}(?!\w)", _HIDDEN, text)
    return " ".join(text.split())

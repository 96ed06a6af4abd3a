"""Who holds an office that librdkafka cannot ask for: the quorum's leader, and the coordinator of a transactional id."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka import errors as refusals
from kafka.net.compat import KafkaNetClient
from kafka.net.selector import NetworkSelector

from marathon_ray.kafka import security
from marathon_ray.kafka.cluster import KafkaError

_STEP: Final = (
    2000  # ms for each step with one server: a frozen one takes connections, and the next shall have its turn
)
_PAUSE: Final = 0.1  # seconds before the next server is asked
_KEYS: Final = {
    "ssl.ca.location": "ssl_cafile",
    "ssl.certificate.location": "ssl_certfile",
    "ssl.key.location": "ssl_keyfile",
    "ssl.key.password": "ssl_password",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.mechanisms": "sasl_mechanism",
    "sasl.username": "sasl_plain_username",
    "sasl.password": "sasl_plain_password",
}
_LOGINS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

logging.getLogger("kafka").addHandler(logging.NullHandler())  # or Python prints its warnings on standard error


def active_controller(properties: Mapping[str, str], *, within: float = 10) -> int:
    """The leader of the controller quorum; `properties` are librdkafka's. KafkaError if nobody says so in time.

    Brokers hand the question on to the leader: while that one is frozen they say nothing, for up to half a minute.
    """

    def ask(client: Any) -> int:  # noqa: ANN401 - kafka-python has no types
        return int(client.describe_metadata_quorum()["topics"][0]["partitions"][0]["leader_id"])

    return asked(properties, "who is the active controller", ask, within=within)


def transaction_coordinator(properties: Mapping[str, str], name: str, *, within: float = 10) -> int:
    """The coordinator of a transactional id that is in use. KafkaError if there is none, or nobody says so in time."""

    def ask(client: Any) -> int:  # noqa: ANN401 - kafka-python has no types
        return int(client.describe_transactions([name])[name].coordinator_id)

    return asked(properties, f"who coordinates the transactional id {name}", ask, within=within)


def asked(properties: Mapping[str, str], what: str, ask: Callable[[Any], int], *, within: float) -> int:
    """The answer, not below 0, of the first server that has one; what passes (an election, a frozen server) is waited for.
    Raises KafkaError if nobody says so in time."""
    security.check(properties)
    settings = translated(properties)
    servers = (properties.get("bootstrap.servers") or properties["metadata.broker.list"]).split(",")
    deadline, cause = time.monotonic() + within, "there is none just now"
    for server in cycle(servers):
        try:
            with _client({**settings, "bootstrap_servers": server.strip()}) as client:
                if (found := ask(client)) >= 0:
                    return found
        except (refusals.KafkaError, OSError) as error:
            cause = security.without_secrets(str(error), properties)
            if isinstance(error, refusals.BrokerResponseError) and not _passes(error):
                break
        if time.monotonic() >= deadline:
            break
        time.sleep(_PAUSE)
    raise KafkaError(f"nobody says {what}: {cause}")


def _passes(error: refusals.BrokerResponseError) -> bool:
    return isinstance(error, refusals.RetriableError | refusals.RequestTimedOutError)


class _Selector(NetworkSelector):  # type: ignore[misc]  # kafka-python has no types
    """Remembers every socket that was waited for: kafka-python forgets those that were refused or whose broker died."""

    def __init__(self) -> None:
        super().__init__(client_id="marathon")
        self._waited_for: list[Any] = []

    def register_event(self, fileobj: Any, event: int, task: object) -> None:  # noqa: ANN401
        self._waited_for.append(fileobj)
        super().register_event(fileobj, event, task)

    def close(self) -> None:
        super().close()
        for each in self._waited_for:
            each.close()


@contextmanager
def _client(settings: Mapping[str, object]) -> Iterator[Any]:
    """An admin client; its thread and its sockets are gone afterwards, also where it never came to be (it forgets them)."""
    limits = {"bootstrap_timeout_ms": _STEP, "request_timeout_ms": _STEP}
    patience = {"socket_connection_setup_timeout_ms": _STEP, "socket_connection_setup_timeout_max_ms": _STEP}
    loop = _Selector()
    made: list[KafkaNetClient] = []

    def make(**configuration: object) -> KafkaNetClient:
        made.append(KafkaNetClient(net=loop, **configuration, **patience))
        return made[0]

    try:
        yield KafkaAdminClient(**settings, **limits, client_id="marathon", kafka_client=make)
    finally:
        for each in made:
            each.close()
        loop.close()


def translated(properties: Mapping[str, str]) -> dict[str, object]:
    """librdkafka's security settings as kafka-python's. KafkaError names one that it has no word for."""
    found: dict[str, object] = {"security_protocol": properties.get("security.protocol", "PLAINTEXT").upper()}
    for key, value in properties.items():
        if key == "ssl.endpoint.identification.algorithm":
            found["ssl_check_hostname"] = value != "none"
        elif key in _KEYS:
            found[_KEYS[key]] = value
        elif key.startswith(("ssl.", "sasl.", "enable.ssl")):
            raise KafkaError(f"controllers and coordinators cannot be asked for with the client property {key}")
    login = str(found.get("sasl_mechanism", _LOGINS[0])).upper()
    if login not in _LOGINS:
        raise KafkaError(f"controllers and coordinators cannot be asked for with sasl.mechanism {login}")
    return found

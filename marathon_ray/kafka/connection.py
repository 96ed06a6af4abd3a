"""A client for questions to a cluster, with one deadline for all of them; whatever goes wrong becomes one line."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Hashable, Iterable, Mapping
from concurrent.futures import Future, wait
from typing import Any, Final, Self, TypeVar

from confluent_kafka import KafkaError as Refusal
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from marathon_ray.kafka import security
from marathon_ray.kafka.cluster import KafkaError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_LOOK: Final = 0.02  # seconds between two looks at what the client has met
_ANEW: Final = 1.0  # seconds until an answer that is missing makes us look for who is to be asked
_NAMED: Final = 3  # addresses, or reasons, in one line
_FORBIDDEN: Final = {
    Refusal.TOPIC_AUTHORIZATION_FAILED,
    Refusal.CLUSTER_AUTHORIZATION_FAILED,
    Refusal.GROUP_AUTHORIZATION_FAILED,
    Refusal.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
_FOR_GOOD: Final = {Refusal._AUTHENTICATION, Refusal._SSL}  # noqa: SLF001  librdkafka's own codes begin so
_WRONG_LISTENER: Final = "PLAINTEXT broker listener"
_CLOSED: Final = "connections are closed at once: does the listener want TLS (security.protocol)?"


def several(parts: Iterable[str], *, by: str = ", ") -> str:
    """The first three, and how many more there are."""
    every = list(parts)
    more = f"{by}and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return by.join(every[:_NAMED]) + more


def refused(properties: Mapping[str, str]) -> str:
    """Why librdkafka would not take these, in its words; empty where it takes them. Nobody is asked."""
    configuration: dict[str, Any] = {**properties, "log_level": 0}
    try:
        AdminClient(configuration)
    except KafkaException as error:
        return security.without_secrets(reason(error.args[0]), properties)
    return ""


class Connection:
    """An admin client of librdkafka's and its deadline, `within` seconds from its making.

    Making it raises KafkaError on properties that contradict each other, or that librdkafka refuses (in its words).
    """

    def __init__(self, properties: Mapping[str, str], *, within: float) -> None:
        security.check(properties)
        self._properties = dict(properties)
        self._within = within
        self._deadline = time.monotonic() + within
        self._met: Refusal | None = None
        self._all_down = False
        self._configuration: dict[str, Any] = {**properties, "log_level": 0, "error_cb": self._meet}
        try:
            self.client = AdminClient(self._configuration)
        except KafkaException as error:
            raise self.error(f"client properties: {reason(error.args[0])}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        del self.client  # with its threads and sockets, which its way back to us would keep until a garbage collection

    def begin_anew(self) -> None:
        """With a client that knows of no coordinator. One that has found one asks that for as long as it has something to ask,
        also where it is told each time that this is none any more, or nothing (`rdkafka_coord.c` of librdkafka 2.16)."""
        self.client = AdminClient(self._configuration)

    def renew(self, within: float) -> None:
        """From now on the deadline is `within` seconds away."""
        self._within, self._deadline = within, time.monotonic() + within

    @property
    def left(self) -> float:
        """Seconds until the deadline, at least a tenth: what a request is given."""
        return max(0.1, self._deadline - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self._deadline

    def answer(self, what: str, future: Future[V]) -> V:
        """The answer to one question; KafkaError says that it was not possible to do `what`, and why."""
        answers, refusals = self.answers(what, {what: future})
        for refusal in refusals.values():
            raise self.refused(what, refusal)
        return answers[what]

    def answers(
        self, what: str, futures: Mapping[K, Future[V]], *, last: bool = True
    ) -> tuple[dict[K, V], dict[K, Refusal]]:
        """What was answered, and what was refused; KafkaError if the cluster cannot be reached by the deadline. What had less
        time than that, and is not the `last` question, counts as refused where nobody answers."""
        pending, looked = set(futures.values()), time.monotonic()
        while pending:
            pending = wait(pending, _LOOK).not_done
            self.client.poll(0)
            self._require_hope(what, over=bool(pending) and self.is_over)
            if pending and time.monotonic() - looked > _ANEW:
                self._look_anew()
                looked = time.monotonic()
        failures = {key: failure for key, future in futures.items() if (failure := future.exception())}
        refusals = {key: _refusal(failure) for key, failure in failures.items()}
        for refusal in refusals.values():
            self._require_hope(what, over=last and refusal.code() == Refusal._TIMED_OUT)  # noqa: SLF001
        return {key: future.result() for key, future in futures.items() if key not in failures}, refusals

    def _look_anew(self) -> None:
        """Hear who there is. For some seconds brokers may name one that is dead as the one to ask, and librdkafka then waits
        for it alone, and looks for another one every five minutes."""
        with contextlib.suppress(KafkaException):
            self.client.list_topics(timeout=min(_ANEW, self.left))

    def refused(self, what: str, refusal: Refusal) -> KafkaError:
        """The error for something that the cluster will not do: "describe topic orders"."""
        if refusal.code() in _FORBIDDEN:
            user = self._properties.get("sasl.username")
            return self.error(f"{f'user {user}' if user else 'this client'} has no right to {what}: {reason(refusal)}")
        return self.error(f"cannot {what}: {reason(refusal)}")

    def late(self, what: str) -> KafkaError:
        """The error for something that did not come about by the deadline."""
        return self.error(f"{what} at {self._address} took more than {self._within:g} s")

    def error(self, text: str) -> KafkaError:
        """The text as an error: one line, no secrets."""
        return KafkaError(security.without_secrets(text, self._properties))

    def _require_hope(self, what: str, *, over: bool) -> None:
        """Raise when the time is over, or when every broker has turned us away for a reason that waiting does not mend."""
        if self._all_down and self._is_for_good():
            raise self.error(f"Kafka at {self._address} lets nobody in like that: {self._cause()}")
        if over:
            cause = self._cause()
            if cause:
                raise self.error(f"Kafka at {self._address} did not answer within {self._within:g} s: {cause}")
            raise self.late(what)

    @property
    def _address(self) -> str:
        servers = self._properties.get("bootstrap.servers") or self._properties["metadata.broker.list"]
        return several(str(servers).split(","), by=",")

    def _meet(self, error: Refusal) -> None:
        if error.code() == Refusal._ALL_BROKERS_DOWN:  # noqa: SLF001
            self._all_down = True
        else:
            self._met = error

    def _is_for_good(self) -> bool:
        return self._met is not None and (self._met.code() in _FOR_GOOD or _WRONG_LISTENER in self._met.str())

    def _cause(self) -> str:
        """What the client met last, without the name of its thread and its state; "" where it has met nothing."""
        if self._met:
            return reason(self._met)
        return _CLOSED if self._all_down else ""


def reason(error: Refusal) -> str:
    """In its own words, without the name of the client's thread and its state."""
    text = re.sub(r" \(after \d+ms in state [^)]*\)", "", error.str())
    text = re.sub(r"^\S+/\w+: ", "", text)
    return text.removeprefix("Broker: ").removeprefix("Failed to create admin client: ")


def _refusal(failure: BaseException) -> Refusal:
    if isinstance(failure, KafkaException):
        refusal: Refusal = failure.args[0]
        return refusal
    raise failure

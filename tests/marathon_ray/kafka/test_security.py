"""Client properties that only look like a login or like encryption, and texts that keep secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.security import check, without_secrets

AT = {"bootstrap.servers": "127.0.0.1:9092"}
LOGIN = {**AT, "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.username": "u", "sasl.password": "p"}


@pytest.mark.parametrize(
    "properties",
    [
        AT,
        LOGIN,
        {"metadata.broker.list": "a:1"},
        {**AT, "security.protocol": "ssl", "ssl.ca.location": "probe"},
        {**AT, "security.protocol": "sasl_plaintext", "sasl.mechanisms": "OAUTHBEARER"},
        {**LOGIN, "ssl.ca.location": str(Path(__file__))},
    ],
)
def test_properties_that_fit_together_pass(properties: dict[str, str]) -> None:
    check(properties)


@pytest.mark.parametrize("key", ["security.protocol", "sasl.mechanism", "sasl.username", "sasl.password"])
def test_a_login_of_which_a_part_is_missing_is_refused(key: str) -> None:
    with pytest.raises(KafkaError, match=key):
        check({name: value for name, value in LOGIN.items() if name != key})


def test_secrets_are_hidden_and_what_only_contains_them_is_not() -> None:
    properties = {**LOGIN, "sasl.password": "p", "ssl.key.pem": "line\nof a key", "client.id": "shown"}
    text = without_secrets("the password p of\n  shown: line\nof a key", properties)
    assert text == "the password *** of shown: ***"


def test_an_empty_secret_hides_nothing() -> None:
    assert without_secrets("a b", {"sasl.password": ""}) == "a b"

"""Settings for all tests."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.mock_kafka import MockKafka

# Compiled functions make the first example slow, so no deadline; CI draws the same examples every time.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(scope="session")
def mock_kafka() -> Iterator[MockKafka]:
    """One mock cluster for all tests that need no real one."""
    with MockKafka() as mock:
        yield mock

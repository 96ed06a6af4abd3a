"""Settings for all tests."""

import os

from hypothesis import settings

# Compiled functions make the first example slow, so no deadline; CI draws the same examples every time.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

"""``python -m marathon_ray`` is the command ``marathon``."""

from marathon_ray.cli import main

main()

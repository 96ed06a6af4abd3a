"""YAML whose places are remembered: a mistake is told with the line on which it stands."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from marathon_ray.usage import UsageError


class Marked:
    """The content of a file, and on which line each of its parts begins. Raises UsageError where it is no YAML mapping."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"plan {path}: {getattr(error, 'strerror', None) or 'it is no text'}") from None
        try:
            self.content: Any = yaml.safe_load(text)
            self._node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            at = getattr(error, "problem_mark", None)
            where = f", line {at.line + 1}, column {at.column + 1}" if at else ""
            raise UsageError(f"plan {path}{where}: that is no YAML: {getattr(error, 'problem', error)}") from None
        if not isinstance(self.content, dict):
            raise UsageError(f"plan {path}: it says nothing like clusters: …, scenarios: …")

    def line(self, place: Sequence[str | int]) -> int:
        """Of the part at that place, or of the innermost part around it."""
        *_, line = self._lines(place)
        return line

    def _lines(self, place: Sequence[str | int]) -> Iterator[int]:
        node = self._node
        yield 1
        for step in place:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == str(step)]
                if not found:
                    continue  # pydantic names the kinds of a union, too
                key, node = found[-1]
                yield key.start_mark.line + 1
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                yield node.start_mark.line + 1

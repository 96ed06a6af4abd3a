"""Which findings stand: later facts withdraw records of them, in whatever pieces these were found."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from marathon_ray.finding import Finding

_WHOLE = ("kind", "topic", "partition", "client", "reading")


def standing(found: Iterable[Finding], withdrawn: Iterable[Finding]) -> list[Finding]:
    """The findings without what is withdrawn; one of which only some sequences are withdrawn is cut.

    The counts of what is left are in proportion to its sequences. A finding without sequences is withdrawn by its equal
    (the same kind, place, reading, offsets and count). Raises ValueError on a withdrawal of what was never found.
    """
    left = list(found)
    for gone in withdrawn:
        touched = [finding for finding in left if _touches(finding, gone)]
        if not touched:
            raise ValueError(f"{gone} was withdrawn, and never found")
        others = [finding for finding in left if not any(finding is one for one in touched)]
        left = [*others, *(piece for finding in touched for piece in _without(finding, gone))]
    return left


def _touches(finding: Finding, gone: Finding) -> bool:
    if any(getattr(finding, name) != getattr(gone, name) for name in _WHOLE):
        return False
    if gone.first < 0:
        return (finding.first_offset, finding.count) == (gone.first_offset, gone.count)
    return finding.first <= gone.last and gone.first <= finding.last


def _without(finding: Finding, gone: Finding) -> Iterator[Finding]:
    if gone.first < 0:
        return
    if finding.first < gone.first:
        yield _piece(finding, finding.first, gone.first - 1)
    if finding.last > gone.last:
        yield _piece(finding, gone.last + 1, finding.last)


def _piece(finding: Finding, first: int, last: int) -> Finding:
    """The sequences first..last of a finding; offsets are cut where one follows from the other, else they bound."""
    whole = finding.last - finding.first + 1
    piece = replace(finding, first=first, last=last, count=finding.count * (last - first + 1) // whole)
    if finding.first_offset < 0 or finding.last_offset - finding.first_offset != whole - 1:
        return piece
    shift = finding.first_offset - finding.first
    return replace(piece, first_offset=first + shift, last_offset=last + shift)

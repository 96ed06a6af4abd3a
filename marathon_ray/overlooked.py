"""What a run did not look at, as its report says it. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator

from marathon_ray.balance import Balance


def overlooked(balance: Balance, *, drained: bool, unheard: int, unread: Iterable[str]) -> Iterator[str]:
    """A sentence each: `drained` says whether the auditors read to the end, `unheard` bounds what lost workers did and nobody
    heard of, and no group of the scenario read the topics `unread`."""
    if unaudited := balance.total("unaudited"):
        yield f"{unaudited:,} acknowledged records that the auditors did not come to"
    if Counter(balance.incidents)["expired"]:
        yield "records that expired before they were read twice"
    if not drained:
        yield "what lies behind where the auditors stood at the end: the run was not drained"
    if unheard:
        yield f"whether up to {unheard:,} records of lost workers, of which nobody was told, were acknowledged"
    for topic in unread:
        yield f"how {topic} is given to groups: no fleet reads it as one"

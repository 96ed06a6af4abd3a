"""A continuous test platform for Kafka-compatible clusters that proves record by record what was kept.

All that a scenario needs is imported from here, and what runs it; a name is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from actors.spec import Auditors as Auditors
    from actors.spec import Consumers as Consumers
    from actors.spec import Producers as Producers
    from actors.spec import Transactors as Transactors
    from actors.units import Duration as Duration
    from actors.units import Rate as Rate
    from actors.units import Share as Share
    from actors.units import Size as Size
    from marathon_ray.conditions import caught_up as caught_up
    from marathon_ray.conditions import in_sync as in_sync
    from marathon_ray.conditions import size as size
    from marathon_ray.faults.broker import Kill as Kill
    from marathon_ray.faults.broker import Pause as Pause
    from marathon_ray.faults.broker import Restart as Restart
    from marathon_ray.faults.broker import Stop as Stop
    from marathon_ray.faults.fault import Fault as Fault
    from marathon_ray.faults.roles import active_controller as active_controller
    from marathon_ray.faults.roles import any_broker as any_broker
    from marathon_ray.faults.roles import broker as broker
    from marathon_ray.faults.roles import follower_of as follower_of
    from marathon_ray.faults.roles import group_coordinator as group_coordinator
    from marathon_ray.faults.roles import leader_of as leader_of
    from marathon_ray.faults.roles import share_of_brokers as share_of_brokers
    from marathon_ray.faults.roles import transaction_coordinator as transaction_coordinator
    from marathon_ray.faults.upgrade import Finalize as Finalize
    from marathon_ray.faults.upgrade import Upgrade as Upgrade
    from marathon_ray.faults.upgrade import newer_release as newer_release
    from marathon_ray.kafka.cluster import Cluster as Cluster
    from marathon_ray.kafka.topics import Topic as Topic
    from marathon_ray.kafka.versions import Version as Version
    from marathon_ray.promises.drained import Drained as Drained
    from marathon_ray.promises.integrity import Integrity as Integrity
    from marathon_ray.promises.latency import Latency as Latency
    from marathon_ray.promises.promise import Promise as Promise
    from marathon_ray.promises.rate import KeepsRate as KeepsRate
    from marathon_ray.promises.recovery import WritableAgain as WritableAgain
    from marathon_ray.report.history import history as history
    from marathon_ray.rotation.speaking import command as command
    from marathon_ray.running import run as run
    from marathon_ray.scenario import Scenario as Scenario
    from marathon_ray.toolkit import Toolkit as Toolkit

_NAMES: Final = {
    "actors.spec": ("Auditors", "Consumers", "Producers", "Transactors"),
    "actors.units": ("Duration", "Rate", "Share", "Size"),
    "marathon_ray.conditions": ("caught_up", "in_sync", "size"),
    "marathon_ray.faults.broker": ("Kill", "Pause", "Restart", "Stop"),
    "marathon_ray.faults.fault": ("Fault",),
    "marathon_ray.faults.roles": (
        "active_controller",
        "any_broker",
        "broker",
        "follower_of",
        "group_coordinator",
        "leader_of",
        "share_of_brokers",
        "transaction_coordinator",
    ),
    "marathon_ray.faults.upgrade": ("Finalize", "Upgrade", "newer_release"),
    "marathon_ray.kafka.cluster": ("Cluster",),
    "marathon_ray.kafka.topics": ("Topic",),
    "marathon_ray.kafka.versions": ("Version",),
    "marathon_ray.promises.drained": ("Drained",),
    "marathon_ray.promises.integrity": ("Integrity",),
    "marathon_ray.promises.latency": ("Latency",),
    "marathon_ray.promises.promise": ("Promise",),
    "marathon_ray.promises.rate": ("KeepsRate",),
    "marathon_ray.promises.recovery": ("WritableAgain",),
    "marathon_ray.report.history": ("history",),
    "marathon_ray.rotation.speaking": ("command",),
    "marathon_ray.running": ("run",),
    "marathon_ray.scenario": ("Scenario",),
    "marathon_ray.toolkit": ("Toolkit",),
}
_HOMES: Final = {name: module for module, names in _NAMES.items() for name in names}

# A star is for scenarios, which need not load Ray and the report as these do. Spelt out above, for type checkers.
__all__ = sorted(_HOMES.keys() - {"run", "history", "command"})  # noqa: PLE0605


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]

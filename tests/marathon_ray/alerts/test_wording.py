"""What people read."""

from marathon_ray.alerts.alert import Batch, Notice, Say
from marathon_ray.alerts.wording import message
from marathon_ray.event import Event, Severity


def notice(about: str, severity: Severity = Severity.CRITICAL, say: Say = Say.NEW) -> Notice:
    facts = {"page": f"results/{about}/index.html", "again": f"marathon run {about} --seed 7"}
    return Notice(
        Event(severity=severity, kind="k", about=about, message=f"{about} broke\nduring it", facts=facts), say
    )


def test_one_notice_is_told_whole() -> None:
    told = message(Batch((notice("a"),)))
    assert (told.title, told.severity, told.over) == ("[critical] a broke", Severity.CRITICAL, False)
    assert told.body.splitlines() == ["during it", "report: results/a/index.html", "again: marathon run a --seed 7"]


def test_why_it_is_told_stands_in_the_title() -> None:
    titles = [message(Batch((notice("a", say=say),))).title for say in Say]
    assert titles == [
        "[critical] a broke",
        "[critical, worse] a broke",
        "[critical, again] a broke",
        "[critical, still] a broke",
        "[over] a broke",
    ]


def test_the_worst_comes_first_and_all_are_told() -> None:
    told = message(Batch((notice("a", say=Say.OVER), notice("b", Severity.WARNING), notice("c"), notice("d")), lost=2))
    assert (told.title, told.over) == ("[critical] c broke (and 3 more)", False)
    assert [line for line in told.body.splitlines() if "broke" in line] == [
        "[critical] d broke",
        "[warning] b broke",
        "[over] a broke",
    ]
    assert told.body.splitlines()[-1] == "2 older ones were not kept"


def test_only_ends_are_an_end() -> None:
    told = message(Batch((notice("a", say=Say.OVER), notice("b", say=Say.OVER))))
    assert (told.over, told.severity) == (True, Severity.INFO)


def test_a_message_is_no_longer_than_a_channel_takes() -> None:
    told = message(Batch(tuple(notice(f"{number:05}") for number in range(64))))
    shown = sum("broke" in line for line in told.body.splitlines())
    assert len(told.title) + len(told.body) < 2_000
    assert f"and {63 - shown} more, which the events tell" in told.body


def test_a_long_line_is_cut_and_stays_one_line() -> None:
    long = Event(severity=Severity.WARNING, kind="k", about="a", message="x\t" * 1000 + "\n" + "y" * 1000)
    told = message(Batch((Notice(long, Say.NEW),)))
    assert len(told.title) < 320
    assert len(told.body) == 300

"""The page has all that the report has, needs nothing beside it, and takes no text for markup."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from plotly.offline import get_plotlyjs

from marathon_ray.outcome import Outcome
from marathon_ray.promises.promise import Shade
from marathon_ray.report import page
from marathon_ray.report.figures import charts
from marathon_ray.report.measured import Measured, measured
from marathon_ray.report.report import Machine, Note, Report
from tests.marathon_ray.report import sample

EVIL = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = tmp_path_factory.mktemp("series")
    sample.measure(folder)
    return measured(folder)


def own(report: Report, series: Measured) -> str:
    """The page without plotly's own code."""
    text = page.page(report, series)
    assert text.count(get_plotlyjs()) == 1
    return text.replace(get_plotlyjs(), "")


def figures(report: Report, series: Measured) -> dict[str, dict[str, Any]]:
    return {chart.anchor: chart.figure for chart in charts(report, series)}


def test_all_charts_are_there(series: Measured) -> None:
    assert list(figures(sample.report(), series)) == [
        "timeline", "rates", "response-writers", "end-to-end-readers", "lag", "silent-orders", "workers", "busiest",
    ]  # fmt: skip


def test_the_page_names_no_address(series: Measured) -> None:
    text = own(sample.report(Outcome.FAILED), series)
    assert "://" not in text
    assert not re.findall(r"""(?:src|href)\s*=\s*(?!"data:,")""", text)
    assert "default-src 'none'" in text


@pytest.mark.parametrize("outcome", Outcome)
def test_the_outcome_and_the_promises_come_first(outcome: Outcome, series: Measured) -> None:
    report = sample.report(outcome)
    text = own(report, series)
    for expected in (f">{outcome.capitalize()}<", report.promise, *(verdict.found for verdict in report.verdicts)):
        assert 0 < text.index(expected) < text.index('class="figure"')


def test_texts_are_no_markup(series: Measured) -> None:
    changes: dict[str, Any] = {
        "scenario": EVIL, "promise": EVIL, "cause": EVIL, "others": (EVIL,), "notes": (Note(text=EVIL, since=1),),
        "shades": (Shade(EVIL, (1,), 1.0, 0),), "spec": {EVIL: {EVIL: EVIL}}, "versions": {EVIL: EVIL},
        "allowances": (EVIL,), "not_looked_at": (EVIL,), "totals": {EVIL: {EVIL: 1}}, "cluster": {EVIL: [EVIL]},
    }  # fmt: skip
    text = own(sample.report(**changes), series)
    assert "<img" not in text
    assert len(re.findall("</script", text)) == 3


def test_plotly_sees_no_markup_in_a_note(series: Measured) -> None:
    report = sample.report(notes=(Note(text="<a href='x'>y</a>", since=1),))
    assert "<a" not in json.dumps(figures(report, series)["timeline"])


def test_a_span_is_a_bar_from_its_begin_to_its_end_with_its_length_in_words(series: Measured) -> None:
    bars = {bar["text"][0]: bar for bar in figures(sample.report(), series)["timeline"]["data"]}
    span, moment = bars["second steady, 2 min"], bars["in sync again"]
    assert (span["y"], span["base"], span["x"]) == (["span"], [60.0], [120.0])
    assert moment["y"] == ["note"]
    assert moment["x"][0] < 1


def test_faults_are_shaded_in_every_chart_over_the_time(series: Measured) -> None:
    for anchor, figure in figures(sample.report(), series).items():
        shaded = [(shape["x0"], shape["x1"]) for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
        assert shaded == ([] if anchor == "timeline" else [(sample.KILLED, sample.HEALED)])


def test_a_fault_that_was_never_healed_is_shaded_to_the_end(series: Measured) -> None:
    report = sample.report(shades=(Shade("cut", (1,), 100.0, 0),))
    (rect,) = [shape for shape in figures(report, series)["rates"]["layout"]["shapes"] if shape["type"] == "rect"]
    assert (rect["x0"], rect["x1"]) == (100, sample.SECONDS)
    assert "never healed" in own(report, series)


def test_long_runs_are_drawn_in_minutes_and_hours(series: Measured) -> None:
    for seconds, unit, end in ((601, "minutes", 601 / 60), (20_000, "hours", 20_000 / 3_600)):
        xaxis = figures(sample.report(seconds=seconds), series)["rates"]["layout"]["xaxis"]
        assert xaxis["title"]["text"] == unit
        assert xaxis["range"][1] == pytest.approx(end, abs=1e-3)


def test_silent_partitions_are_red_where_they_were_silent(series: Measured) -> None:
    (heat,) = figures(sample.report(), series)["silent-orders"]["data"]
    bins = sample.SECONDS / len(heat["z"][0])
    assert heat["y"] == [str(number) for number in range(sample.PARTITIONS)]
    assert sum(heat["z"][1]) * bins == pytest.approx(64.02 - 59.98, abs=0.1)
    assert max(heat["z"][0]) == 0
    assert heat["z"][1][int(62 / bins)] == 1


def test_a_sum_that_does_not_add_up_is_told(series: Measured) -> None:
    sound = sample.report()
    wrong = {"orders": {**sound.totals["orders"], "found": 17_402_799}}
    assert "does not add up" not in own(sound, series)
    text = own(sample.report(totals=wrong), series)
    assert re.search(r"does not add up by</td><td class=\"n failed\">7<", text)


def test_many_findings_unfold_and_the_rest_is_counted(series: Measured) -> None:
    text = own(sample.report(Outcome.FAILED, findings_beyond=1234), series)
    assert f"{len(sample.LOST) - page.SHOWN} more" in text
    assert "1,234 findings more" in text
    assert text.count("feed0000beef") == len(sample.LOST)


def test_a_run_that_never_began_has_a_page(tmp_path: Path) -> None:
    bare = Report.model_validate(
        {"run": "1", "bench": "b", "scenario": "s", "promise": "p", "outcome": "skipped", "cause": "no kill",
         "began": sample.BEGAN, "seconds": 0, "seed": 1}
    )  # fmt: skip
    text = page.write(bare, tmp_path).read_text()
    assert "Nothing was measured" in text
    assert "no kill" in text


def test_only_groups_lags_are_drawn_as_lags(series: Measured) -> None:
    names = [trace["name"] for trace in figures(sample.report(), series)["lag"]["data"]]
    assert names == ["readers", "not yet audited"]


def test_beside_the_busiest_processes_the_fullest_node_is_drawn(series: Measured) -> None:
    drawn = {trace["name"]: trace["y"] for trace in figures(sample.report(), series)["busiest"]["data"]}
    assert set(drawn) == {"writers", "readers", "fullest node"}
    assert set(drawn["fullest node"]) == {0.36}


def test_the_benchs_own_fleets_are_drawn_once_they_are_asked_for(series: Measured) -> None:
    rates = figures(sample.report(), series)["rates"]["data"]
    hidden = [trace["name"] for trace in rates if trace.get("visible") == "legendonly"]
    assert hidden == [rates[-1]["name"]] == ["auditors read"]


def test_what_happened_is_told_in_the_order_of_time(series: Measured) -> None:
    text = own(sample.report(notes=(Note(text="late", since=100), Note(text="early", since=2))), series)
    table = text[text.index('id="timeline"') :]
    assert table.index(">early<") < table.index(">kill leader, node 2<") < table.index(">late<")


def test_who_was_lost_and_who_moved_is_told_and_for_how_long_workers_lacked(series: Measured) -> None:
    text = own(sample.report(), series)
    assert '<td class="n">1, 1 announced</td><td class="n">3</td>' in text
    assert '<td class="n">0</td><td class="n">0</td>' in text
    assert "The bench lacked workers, or made up for it, in 3.4 % of the time." in text
    assert "lacked workers" not in own(sample.report(short=0.0), series)


def test_machines_have_their_kind_and_hours_and_what_all_of_them_cost(series: Measured) -> None:
    text = own(sample.report(), series)
    row = '<td>10.0.0.7</td><td class="w">spot</td><td>writers, readers</td><td class="n">0.05</td><td class="n">4</td>'
    assert row in text
    assert '<td class="n">612 MB</td><td class="n">8,330 MB</td><td>Linux 6.12.0</td></tr>' in text
    assert "Node-hours: 0.05 spot, which cost 0.0015 EUR." in text
    bare = own(sample.report(hosts=(Machine(node="n2"),), node_hours={"unknown": 0.0}, cost={}), series)
    assert '<td>n2</td><td class="w">unknown</td>' in bare
    assert '<td class="n">not known</td><td>not known</td></tr>' in bare
    assert "Node-hours: 0.00 unknown." in bare

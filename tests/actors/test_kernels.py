"""The compiled folds at the edges of their tables: they stop before a row that finds no room, and go on exactly there."""

import numpy as np

from actors import kernels
from actors.kernels import CLAIMING, FOUND_ROWS, INCIDENT_ROWS, PLACE, RUN, SPAN_ROWS
from actors.latency import LAYOUT_SIZE
from actors.rows import FETCHED, REPORT
from actors.tally import CLAIMS, FOUND, INCIDENTS, SPANS, Outcome

NOW = 9_000_000_000


def test_the_fold_of_reports_stops_where_its_table_is_full_and_goes_on_from_there() -> None:
    streams, into = np.zeros(1, CLAIMING), np.zeros(2, CLAIMS)
    rows = np.zeros(5, REPORT)
    rows["sequence"], rows["outcome"] = [0, 2, 4, 6, 8], Outcome.ACKNOWLEDGED
    rest = (np.zeros(4, np.int64), np.zeros(LAYOUT_SIZE, np.int64), np.zeros(LAYOUT_SIZE, np.int64), NOW)
    assert kernels.fold_reports(rows, 0, 5, streams, into, 0, *rest) == (3, 2)
    assert (into["first"].tolist(), int(streams["last"][0]), int(streams["reported"][0])) == ([0, 2], 4, 3)
    assert kernels.fold_reports(rows, 3, 5, streams, into, 0, *rest) == (5, 2)
    assert kernels.close_claims(streams, 0, into, 2) == (0, 2)
    assert kernels.close_claims(streams, 0, into, 0) == (1, 1)
    assert (int(into["first"][0]), int(streams["reported"][0])) == (8, 5)


def test_the_fold_of_records_stops_where_a_table_is_full_and_goes_on_from_there() -> None:
    places, table = np.zeros(1, PLACE), np.zeros(4, FETCHED)
    table["client"], table["offset"], table["sequence"] = 7, [0, 1, 2, 3], [0, 2, 4, 6]
    places["position"] = -1
    runs_, found, used = np.zeros(8, RUN), np.zeros(2, FOUND), np.zeros(4, np.int64)
    rest = (
        np.zeros(1, SPANS),
        np.zeros(1, INCIDENTS),
        used,
        np.zeros(3, np.int64),
        np.zeros(LAYOUT_SIZE, np.int64),
        NOW,
        False,
    )
    bases = np.zeros(1, np.int64)
    assert kernels.fold_records(table, 0, 4, places, bases, runs_, found, *rest) == 3
    assert (used[FOUND_ROWS], used[SPAN_ROWS], used[INCIDENT_ROWS]) == (2, 0, 0)
    used[FOUND_ROWS] = 0
    assert kernels.fold_records(table, 3, 4, places, bases, runs_, found, *rest) == 4
    assert found["first"].tolist() == [4, 2]  # the second is what was pushed before
    assert int(places["count"][0]) == 4


def test_runs_and_spans_are_closed_in_parts_where_their_tables_are_small() -> None:
    runs, places = np.zeros(4, RUN), np.zeros(3, PLACE)
    runs["used"], runs["first"] = 1, [10, 11, 12, 13]
    places["open"], places["count"] = 1, [1, 2, 3]
    found, spans, used = np.zeros(3, FOUND), np.zeros(2, SPANS), np.array([0, 0, 0, 4])
    assert kernels.close_runs(runs, 0, places, found, used, NOW) == 3
    assert kernels.close_spans(places, 0, spans, used) == 2
    used[:2] = 0
    assert kernels.close_runs(runs, 3, places, found, used, NOW) == 4
    assert kernels.close_spans(places, 2, spans, used) == 3
    assert (found["first"].tolist(), spans["count"].tolist(), used.tolist()) == ([13, 11, 12], [3, 2], [1, 1, 0, 0])

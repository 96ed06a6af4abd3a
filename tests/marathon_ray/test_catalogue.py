"""Scenarios are found by name in all folders and by path, and what is wrong with a file costs a line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from marathon_ray.catalogue import anywhere, find, read
from marathon_ray.usage import UsageError

ONE = '''
from marathon_ray.scenario import Scenario

class {name}(Scenario):
    """{promise}"""
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's own folder, in which the user stands; what is imported from it is forgotten afterwards."""
    known = dict(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    yield tmp_path / "scenarios"
    for name in sys.modules.keys() - known.keys():
        del sys.modules[name]


def put(path: Path, name: str, promise: str = "It holds.") -> Path:
    path.write_text(ONE.format(name=name, promise=promise))
    return path


def refused(wanted: str) -> str:
    with pytest.raises(UsageError) as caught:
        find(wanted)
    return str(caught.value)


def test_a_users_own_folder_joins_ours(folder: Path) -> None:
    put(folder / "mine.py", "FillDisk", "A full disk is told in time.")
    ours, found = {"steady-write", "catch-up-read", "kill-leader", "kill-and-verify"}, read().scenarios
    assert found.keys() >= ours | {"fill-disk"}
    assert find("fill-disk") is found["fill-disk"]
    assert find("fill-disk").promise() == "A full disk is told in time."


def test_a_file_outside_of_all_folders_is_found_by_its_path(tmp_path: Path, folder: Path) -> None:
    put(tmp_path / "loose.py", "Loose")
    assert find("./loose.py").title() == "loose"
    assert find(f"{tmp_path}/loose.py:Loose") is find("./loose.py")


def test_a_file_is_found_from_another_folder_too_by_what_it_is_called_anywhere(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "loose.py", "Loose")
    found, texts = find("./loose.py"), [anywhere("./loose.py"), anywhere("loose.py:Loose")]
    monkeypatch.chdir(folder)
    assert [find(text) for text in texts] == [found, found]
    assert anywhere("kill-leader") == "kill-leader"


def test_files_beside_a_users_file_can_be_imported_by_it(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "sizes_of_mine.py").write_text("PARTITIONS = 3\n")
    path = put(tmp_path / "loose.py", "Loose")
    path.write_text(f"from sizes_of_mine import PARTITIONS\n{path.read_text()}    partitions: int = PARTITIONS\n")
    assert find("./loose.py")().model_dump(exclude={"at_most"}) == {"partitions": 3}


def test_two_files_of_one_name_in_different_folders_are_both_read(folder: Path, tmp_path: Path) -> None:
    put(folder / "kill_leader.py", "KillLeaderTwice")
    assert {"kill-leader", "kill-leader-twice"} <= read().scenarios.keys()


def test_one_name_in_two_files_is_an_error_that_names_both(folder: Path) -> None:
    first, second = put(folder / "a.py", "FillDisk"), put(folder / "b.py", "FillDisk")
    assert refused("fill-disk") == f"scenario fill-disk is in {first} and in {second}: give one another name"


def test_another_installation_of_ours_on_the_way_does_not_count_twice(folder: Path) -> None:
    (folder.parent / "marathon_ray").mkdir()
    put(folder / "kill_leader.py", "KillLeader", "Another version of it.")
    assert find("kill-leader").promise() != "Another version of it."


def test_a_misspelt_name_is_told_the_nearest(folder: Path) -> None:
    assert refused("kill-leadr") == "scenario 'kill-leadr' is not known; did you mean kill-leader?"


def test_a_name_like_no_other_is_told_all(folder: Path) -> None:
    line = "scenario 'xyz' is not known; there are catch-up-read, kill-and-verify, kill-leader, rolling-upgrade, steady-write"
    assert refused("xyz") == line


def test_a_broken_file_costs_a_line_and_no_other_scenario(folder: Path) -> None:
    (folder / "broken.py").write_text("\n\nnonsense\n")
    assert find("kill-leader").title() == "kill-leader"
    assert read().unreadable == (f"{folder}/broken.py, line 3: NameError: name 'nonsense' is not defined",)
    assert refused("broken").splitlines()[1] == read().unreadable[0]


def test_a_broken_field_is_told_with_its_line_and_limit(tmp_path: Path, folder: Path) -> None:
    path = put(tmp_path / "loose.py", "Loose")
    head = "from marathon_ray.kafka.topics import Topic\nTopic(partitions=0)\n"
    path.write_text(head)
    line = f"{path}, line 2: Topic.partitions 0: Input should be greater than or equal to 1"
    assert refused("./loose.py") == line


def test_files_that_do_not_say_which_scenario_cost_a_line(tmp_path: Path, folder: Path) -> None:
    both = ONE.format(name="First", promise="") + ONE.format(name="Second", promise="")
    (tmp_path / "both.py").write_text(both)
    (tmp_path / "none.py").write_text("from marathon_ray.scenario import Scenario\n")
    assert refused("./both.py") == "both.py: say which of First, Second, as both.py:CLASS"
    assert refused("./both.py:Frist") == "both.py: scenario Frist is not in it; did you mean First?"
    assert refused("./none.py") == "none.py: no scenario in it"
    assert refused("./nowhere.py") == "nowhere.py: there is no such file"

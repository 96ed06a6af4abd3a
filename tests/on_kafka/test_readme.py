"""The README's program does what the README says."""

import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[2] / "README.md"

pytestmark = pytest.mark.on_kafka


def test_the_program_in_the_readme_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, README.name, "exec"), names)
    balance = names["balance"]
    assert balance.total("acknowledged") > 0
    assert balance.total("found") == balance.total("acknowledged")
    assert names["findings"] == ()
    assert re.search(r"[\d,]+ attempted [\d,]+ acknowledged [\d,]+ found 0 lost", capsys.readouterr().out)

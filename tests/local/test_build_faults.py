"""`make up` shows why a build failed: what the layers' build wrote, and not that make failed."""

import pytest

from infra.local.deploy import fault_in

BUILD = """\
AgentsLayer: Running CustomMakeBuilder:MakeBuild
mkdir -p "python"

Build Failed
Error: CustomMakeBuilder:MakeBuild - Make Failed: layers/agents/agents/a.py:3: No module named 'x': do this
layers/agents/agents/b.py:1: SyntaxError: invalid syntax
make: *** [/p/layers/Makefile:27: build-AgentsLayer] Error 1
"""


def test_why_a_build_failed_is_every_line_that_the_layers_build_wrote() -> None:
    assert [
        "layers/agents/agents/a.py:3: No module named 'x': do this",
        "layers/agents/agents/b.py:1: SyntaxError: invalid syntax",
    ] == fault_in(BUILD).splitlines()


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("Deploying\nError: no such bucket\n\n", "Error: no such bucket"),
        (
            "Error: Make Failed: make: *** [Makefile:1: x] Error 1\n",
            "Error: Make Failed: make: *** [Makefile:1: x] Error 1",
        ),
        ("", ""),
    ],
)
def test_otherwise_it_is_the_last_line(log: str, told: str) -> None:
    assert told == fault_in(log)

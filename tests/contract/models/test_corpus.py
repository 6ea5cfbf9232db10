"""Every output and every tool of the corpus is taken by the strict double, as each wire sends it."""

from typing import Any

import pytest
from turnkeeper import Agent
from turnkeeper.agent import Tool
from turnkeeper.domain.chat import ToolSpec

from tests.contract.models.conftest import Provider
from tests.contract.models.corpus import AGENTS, LOOSE_TOOLS, STRICT_TOOLS
from tests.contract.models.official import CHECK_REQUEST
from tests.contract.models.wires import TOOL, ask

TOOLS = {**STRICT_TOOLS, **LOOSE_TOOLS}


def sent(provider: Provider, **changes: Any) -> None:
    """Send a request; the fixture holds it to the rules of the double."""
    provider.replies(provider.wire.ok(), ask(provider.wire, **changes))
    CHECK_REQUEST[provider.wire.protocol](provider.service.requests[-1].json())


@pytest.mark.parametrize("agent", AGENTS.values(), ids=AGENTS)
def test_an_output_is_taken(provider: Provider, agent: Agent[Any]) -> None:
    sent(provider, schema=agent.answer_schema, tools=(TOOL,))


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_a_tool_is_taken(provider: Provider, tool: Tool) -> None:
    sent(provider, tools=(ToolSpec(tool.name, tool.description, tool.schema),))


def test_all_tools_at_once_are_taken(provider: Provider) -> None:
    sent(provider, tools=tuple(ToolSpec(tool.name, tool.description, tool.schema) for tool in TOOLS.values()))

"""Turnkeeper: write an agent; every accepted turn ends exactly once, and never over its spending limit."""

from turnkeeper.agent import (
    Agent,
    Alternative,
    AnswerContext,
    Dependency,
    Model,
    Tool,
    ToolContext,
    ToolError,
    ToolResult,
    tool,
)

__all__ = [
    "Agent",
    "Alternative",
    "AnswerContext",
    "Dependency",
    "Model",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolResult",
    "tool",
]

"""The endpoints that need no definition: `Model("groq:openai/gpt-oss-120b")` is asked at the one named groq.

What each server takes is said in its own documentation; where that is silent, its preset asks for the least.
"""

from collections.abc import Mapping

from turnkeeper.authoring.endpoints import Endpoint

_ENDPOINTS = (
    # A gateway in the place of OpenAI or Azure may speak chat completions; their models take the newer limit there.
    Endpoint("openai", "responses", "https://api.openai.com/v1", prices="openai", answer_limit="max_completion_tokens"),
    Endpoint("anthropic", "anthropic", "https://api.anthropic.com", prices="anthropic"),
    Endpoint("bedrock", "bedrock", prices="aws"),
    # https://<resource>.openai.azure.com/openai/v1; a model's name is that of its deployment.
    Endpoint("azure", "responses", prices="azure", answer_limit="max_completion_tokens", renames_models=True),
    Endpoint(
        "gemini",
        "chat",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        prices="google",
        schemas="plain",
        tools_with_schema=False,
        passes_back=("extra_content",),
    ),
    Endpoint("groq", "chat", "https://api.groq.com/openai/v1", prices="groq", tools_with_schema=False),
    Endpoint(
        "openrouter",
        "chat",
        "https://openrouter.ai/api/v1",
        prices="openrouter",
        effort="reasoning",
        passes_back=("reasoning_details",),
    ),
    Endpoint("mistral", "chat", "https://api.mistral.ai/v1", prices="mistral", tools_with_schema=False, effort=""),
    Endpoint(
        "deepseek",
        "chat",
        "https://api.deepseek.com",
        prices="deepseek",
        schemas="none",
        passes_back=("reasoning_content",),
    ),
    Endpoint("xai", "chat", "https://api.x.ai/v1", prices="x-ai"),
    Endpoint("together", "chat", "https://api.together.xyz/v1", prices="together", schemas="plain", effort=""),
    # Servers of one's own: a stage or an Endpoint says where they are.
    Endpoint("vllm", "chat", keyless=True, schemas="plain", effort=""),
    Endpoint("ollama", "chat", "http://localhost:11434/v1", keyless=True, schemas="plain", effort=""),
    Endpoint("litellm", "chat", retries_inside=True),
)

PRESETS: Mapping[str, Endpoint] = {endpoint.name: endpoint for endpoint in _ENDPOINTS}
"""The endpoints by name."""

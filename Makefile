SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run up down test verify quick lint types fix build deploy layers bench conversations clean

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONPATH := $(CURDIR)
export SAM_CLI_TELEMETRY := 0

# uv and Node trust what the system trusts, such as the certificate of a proxy.
export NODE_USE_SYSTEM_CA := 1
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),1,0)
ifdef REQUESTS_CA_BUNDLE
export SSL_CERT_FILE ?= $(REQUESTS_CA_BUNDLE)
endif

READY := .local/ready

help: ## What can be done here
	@[ -t 1 ] && bold=$$(printf '\033[1m') off=$$(printf '\033[0m'); grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | \
		awk -F ':.*## ' -v bold="$$bold" -v off="$$off" '{printf "  %s%-14s%s %s\n", bold, $$1, off, $$2}'

run: $(READY) ## Show the main job on the local cloud: a conversation, an outage, a person who answers
	@python -m infra.local run

up: $(READY) ## Bring the local cloud up in the background
	@python -m infra.local up

down: $(READY) ## Stop it, with everything it started
	@python -m infra.local down

test: $(READY) browser ## Everything that must pass: style, types, tests, the local cloud, a real browser
	@infra/test all

verify: $(READY) ## What takes longer: every fault, own deployments, a real gateway, whole conversations, many more random runs
	@infra/test verify

quick: $(READY) ## The tests without the local cloud and the browser
	@infra/test quick

lint: $(READY) ## Style
	@ruff check . && ruff format --check . && infra/console style

types: $(READY) ## Types
	@mypy && infra/console types

fix: $(READY) ## Repair what ruff and prettier can repair
	@ruff check --fix . ; ruff format . ; infra/console fix

build: $(READY) ## Build for AWS (python3.13, arm64), from any host and without Docker
	@python -m infra.release build

STAGE ?= default
deploy: $(READY) ## Build and deploy as one release: make deploy PARAMETERS="OnCallEmail=you@example.com" STAGE=default
	@python -m infra.release deploy --stage '$(STAGE)' --parameters '$(PARAMETERS)' $(OPTIONS)

layers: $(READY) ## Write the layers' requirements from uv.lock
	@infra/export-requirements

bench: $(READY) ## Measure: cold start, overhead of a turn, load, breakers and budgets beside the usual ones
	@python -m benchmarks

conversations: $(READY) ## Play all 551 conversations of the data set: plain, with invalid answers, with killed turns, both
	@PYTHONPATH=$(CURDIR):$(CURDIR)/layers/core:$(CURDIR)/layers/agents python -m tests.conversations

clean: ## Remove what was built and installed here
	@rm -rf .aws-sam .local .venv .venv-ministack .venv-litellm node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

setup: $(READY) ## Install what the project needs (the other targets do it by themselves)

$(READY): pyproject.toml uv.lock package-lock.json
	@mkdir -p .local
	@infra/uv --version >/dev/null 2>&1 || { echo "Installing uv into .local/uv"; \
		for python in $$(type -ap python3); do "$$python" -m pip --version >/dev/null 2>&1 && break; done; \
		"$$python" -m pip install --quiet --disable-pip-version-check --target .local/uv uv; }
	@echo "Installing the project's packages"
	@infra/uv sync --frozen --quiet
	@UV_PROJECT_ENVIRONMENT=.venv-ministack infra/uv sync --frozen --quiet --only-group ministack
	@npm ls >/dev/null 2>&1 || npm ci --silent --no-audit --no-fund --fetch-retries 1 || \
		echo "npm's registry cannot be reached: the console's JavaScript is not checked"
	@[ ! -d .git ] || git config core.hooksPath >/dev/null || pre-commit install >/dev/null || true
	@touch $@

# The browser of the console's tests; where it cannot be installed they are skipped, with the reason.
.PHONY: browser
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		echo "Installing Chromium" && apt-get update -qq >/dev/null && apt-get install -qq -y chromium >/dev/null 2>&1; } || true

# make demo     sets up what it needs and starts a simulated province; ARGS="--port 8090 --speed 4" go to `ioc demo`
# make test     runs every test that this machine allows; ARGS="tests/alerts -x" go to pytest
# make faults   the fault suite against real servers (over two hours); ARGS="--only 3,5 --short" go to it
# make check    lint, formatting, types and layers
# make servers  puts the tests' real servers on this machine
# make bench    what a message costs, beside Telegraf, and how that grows; ARGS=full takes the figures' own size
# make lock     resolves requirements/*.txt anew
# The first of PYTHON that is 3.11 or newer and has venv builds .venv.
SHELL := /bin/bash
PYTHON ?= python3.13 python3.12 python3.11 python3
ARGS ?=

.PHONY: demo test faults bench check servers lock

demo: .venv/.runtime
	@exec .venv/bin/ioc demo $(ARGS)

test: .venv/.dev
	.venv/bin/pytest -n 2 --dist loadfile -rfEs $(ARGS)

faults: .venv/.dev
	.venv/bin/python bench/faults/run.py $(ARGS)

check: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

servers:
	@scripts/servers.sh

bench: .venv/.dev
	@bench/report.sh $(ARGS)

lock: .venv/.dev
	.venv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --group build -o requirements/build.txt
	.venv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 pyproject.toml --extra demo -o requirements/runtime.txt
	.venv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 pyproject.toml --extra demo --group dev \
	    -c requirements/build.txt -c requirements/runtime.txt -o requirements/dev.txt

.venv/.%: requirements/build.txt requirements/%.txt pyproject.toml scripts/environment.sh
	@python=$$(scripts/python.sh $(PYTHON)) && scripts/environment.sh "$$python" $*

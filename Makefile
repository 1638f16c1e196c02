# `make lab` opens the course, `make check` and `make test` test it. All set up .venv first.
# PYTHON=python3.12 chooses the Python of a new .venv; LAB_ARGS="..." is passed on to JupyterLab;
# ONLY="01 02" limits `make notebooks` to those lessons; PROMPT="a blue fox" is what `make draw` draws.

BOOT := $(or $(PYTHON),$(firstword $(foreach name,python3 python3.14 python3.13 python3.12 \
	python3.11,$(shell command -v $(name) 2>/dev/null))))
VENV := .venv/bin/python
# JupyterLab refuses to run as root, which is who one is in most containers.
ROOT_FLAG := $(shell [ "$$(id -u)" = 0 ] && echo --allow-root)

# What `make draw` draws; words reach the shell as they are, quotes and all.
export PROMPT ?= a cat wearing sunglasses

.PHONY: help setup learn for-test for-browser for-bench lab lint check test test-browser draw \
	notebooks html page bench lock

help:
	@echo "make lab        set up what is needed and open the course in JupyterLab"
	@echo "make check      format, lint, types and the fast tests: while you work"
	@echo "make test       set up what is needed and run every test"
	@echo "make test-browser  open every figure in a Chromium: pages with the network cut, JupyterLab"
	@echo "make html       export the course to build/html: pages that need no Python and no network"
	@echo "make page       write build/draw.html: one file that draws what you type, with no Python"
	@echo "make bench      measure beside others, into benchmarks/results: hours (SHORT=1: ten minutes;"
	@echo "                ONLY=\"quality steps growth course sliders page gpu\" chooses)"
	@echo "make draw       draw a prompt into drawing.png (PROMPT=\"a blue fox\" DRAW_ARGS=\"--count 3\")"
	@echo "make notebooks  build the notebooks from notebooks/src by executing them (ONLY=01)"
	@echo "make lock       lock the versions of pyproject.toml's dependencies, into requirements"
	@echo "                (LOCK_ARGS=--upgrade: the newest ones)"

# What each command needs is one of requirements/*.txt, which hold one another.
setup: learn
learn for-test for-browser for-bench:
	@if [ -z "$(BOOT)" ]; then \
		echo "Set-up stopped. No Python was found: install Python 3.11 or newer and run again."; \
		exit 1; \
	fi
	@"$(BOOT)" -u tools/setup.py $(@:for-%=%) --python "$(PYTHON)"

lab: setup
	$(VENV) -m jupyterlab $(ROOT_FLAG) --ServerApp.root_dir=. \
		--LabApp.default_url=/lab/tree/notebooks $(LAB_ARGS)

lint: for-test
	$(VENV) -m ruff format --check .
	$(VENV) -m ruff check .
	$(VENV) -m mypy

# Two processes of one thread each: small networks gain nothing from a second thread.
check: lint
	OMP_NUM_THREADS=1 $(VENV) -m pytest tests -m "not slow" -n 2 --dist=loadscope

test: lint
	$(VENV) -m pytest tests --cov
	@set -- notebooks/*.ipynb; if [ -e "$$1" ]; then \
		echo $(VENV) -m pytest --nbval --nbval-current-env --nbval-cell-timeout=600 "$$@"; \
		$(VENV) -m pytest --nbval --nbval-current-env --nbval-cell-timeout=600 "$$@"; \
	else \
		echo "No notebooks to execute yet."; \
	fi

test-browser: for-browser
	$(VENV) -m pytest tests_browser

bench: for-bench
	$(VENV) -m benchmarks $(if $(SHORT),--short) $(ONLY)

html: setup
	$(VENV) tools/export_html.py

page: setup
	$(VENV) tools/export_page.py

draw: setup
	@$(VENV) -m diffusion_lessons draw "$$PROMPT" $(DRAW_ARGS)

notebooks: for-test
	$(VENV) tools/build_notebooks.py $(ONLY)

lock: for-test
	$(VENV) tools/lock.py $(LOCK_ARGS)

# 三化 sanhua. The first `make` sets everything up in .venv from hash-pinned locks; later ones are quick.
#
#   make demo     走完全程 the whole path on synthetic data, in front of you
#   make test     架构检查与全部测试 import rules and all tests
#   make check    格式、静态检查、类型、导入方向 format, lint, types, imports
#   make docs     生成参考页并检查文档 write the reference pages, check all pages
#   make bench    性能测量（手动） measurements, by hand
#   make fmt      整理格式 put the source in its format
#   make bundle   离线安装包 an offline set of wheels in dist/bundle
#   make lock     更新锁定文件 renew requirements*.lock
#   make clean    删除可重建之物 delete what can be made again

# PYTHON=... chooses the interpreter; otherwise the newest of 3.13, 3.12, 3.11 that works.
PYTHON ?=
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
PY := $(BIN)/python
# A checkout is whole with its own settings: neither a PYTHONPATH nor a user's packages get in.
export PYTHONNOUSERSITE := 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
# Tests start hundreds of programs; without kept bytecode each compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(PY) -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) install --quiet --only-binary :all: --require-hashes
EDITABLE := $(PIP) install --quiet --no-deps --no-build-isolation --editable .

.PHONY: help demo test check docs bench fmt bundle lock clean setup setup-dev
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

setup: .venv/.runtime

setup-dev: .venv/.dev

.venv/.python:
	@python=""; \
	for name in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	  if $$name -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; \
	  then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "需要 Python 3.11、3.12 或 3.13（含 venv 模块）。指定解释器：make PYTHON=/path/to/python3.12 ..." >&2; \
	  echo "Python 3.11, 3.12 or 3.13 with its venv module is needed; name one: make PYTHON=/path/to/python3.12 ..." >&2; \
	  exit 1; \
	fi; \
	echo "建立虚拟环境 setting up .venv with $$($$python --version)"; \
	$$python -m venv --clear .venv
	@touch $@

.venv/.runtime: .venv/.python requirements.lock requirements-build.lock pyproject.toml
	@if [ ! -e .venv/.dev ] || [ requirements.lock -nt .venv/.dev ]; then \
	  echo "安装运行所需的包 installing what it runs on"; \
	  $(INSTALL) -r requirements-build.lock -r requirements.lock; \
	fi
	@$(EDITABLE)
	@touch $@

.venv/.dev: .venv/.python requirements-dev.lock pyproject.toml
	@echo "安装测试所需的包 installing what tests it"
	@$(INSTALL) -r requirements-dev.lock
	@$(EDITABLE)
	@touch .venv/.runtime $@

demo: .venv/.runtime
	@$(PY) -m sanhua demo

test: .venv/.dev
	@$(BIN)/lint-imports --no-cache
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: .venv/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/pyright

docs: .venv/.dev
	@$(PY) docs/generate.py
	@$(PY) -m pytest tests/docs

bench: .venv/.dev
	@ls bench/*.py >/dev/null 2>&1 || { echo "bench/ holds no scripts" >&2; exit 1; }
	@for script in bench/*.py; do echo "== $$script"; $(PY) $$script || exit 1; done

fmt: .venv/.dev
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

bundle: .venv/.runtime
	@rm -rf dist/bundle && mkdir -p dist/bundle
	@$(PIP) download --quiet --only-binary :all: --require-hashes -r requirements.lock -d dist/bundle
	@$(PIP) wheel --quiet --no-deps --no-build-isolation -w dist/bundle .
	@cp requirements.lock dist/bundle/
	@printf '%s\n' \
	  "离线安装 install without a network:" \
	  "  python -m venv sanhua-env" \
	  "  sanhua-env/bin/pip install --no-index --find-links . --require-hashes -r requirements.lock" \
	  "  sanhua-env/bin/pip install --no-index --no-deps sanhua-*.whl" > dist/bundle/INSTALL.txt
	@echo "dist/bundle: $$(ls dist/bundle/*.whl | wc -l) wheels, $$(du -sm dist/bundle | cut -f1) MB, for $$($(PY) -VV | head -1)"

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: \
  --no-header --no-annotate --no-emit-index-url

# Keeps what is pinned as long as pyproject.toml allows it; `make lock UPGRADE=--upgrade` takes the newest.
lock: .venv/.dev
	@$(LOCK) $(UPGRADE) pyproject.toml -o requirements.lock
	@$(LOCK) $(UPGRADE) --group build -c requirements.lock -o requirements-build.lock
	@$(LOCK) $(UPGRADE) pyproject.toml --group dev -c requirements.lock -c requirements-build.lock -o requirements-dev.lock
	@! grep -n '://' requirements*.lock

clean:
	@rm -rf .venv dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests examples bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# `make demo` and `make test` work from a bare checkout: they need Python 3.11 or newer, nothing else.
PYTHON ?= python3
BIN := .venv/bin
STEMS ?= stems
export DENO_NO_UPDATE_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE  # where it is set, each of the tests' processes would compile all its modules anew

.PHONY: demo docs test test-web lint format web bench train lock clean

demo: .venv/installed
	$(BIN)/unbraid separate demo/lithium-demo.flac -o $(STEMS)

# A thread for each process of pytest: more would only wait for each other.
test: .venv/developing
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --ignore=tests/web -n auto --dist worksteal

test-web: .venv/developing
	$(BIN)/python -m pytest tests/web -n auto --dist loadfile --no-loadscope-reorder

lint: .venv/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deno lint --quiet
	$(BIN)/deno fmt --check --quiet

format: .venv/developing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/deno lint --fix --quiet
	$(BIN)/deno fmt --quiet

docs: .venv/developing
	$(BIN)/python docs/build.py site

web: .venv/serving
	$(BIN)/unbraid web

bench: .venv/developing
	$(BIN)/python -m benchmarks.separate

# The shipped weights from nothing: the corpus, then the network. Goes on where it was stopped.
train: .venv/developing
	-$(BIN)/unbraid corpus fetch  # names what it cannot bring; the next step says what it cannot do without
	$(BIN)/unbraid corpus build --hours $(or $(HOURS),8) --seed 1 -o runs/corpus
	$(BIN)/unbraid train unbraid --resume --out runs/unbraid --minutes $(or $(MINUTES),200) \
	    --data 'runs/corpus/train/real-*=1.0' --data 'runs/corpus/train/remix-*=1.5' \
	    --data 'runs/corpus/train/solo-everything_is_free-*=1.0' --data 'runs/corpus/train/solo-*=0.25' \
	    --data 'runs/corpus/train/solo-producer_space-*=0.5' --data 'runs/corpus/train/solo-pjs-*=0.45' \
	    --data 'runs/corpus/train/solo-mahabharata-*=0.6' --data 'runs/corpus/train/solo-webaudio_examples-*=0.3' \
	    --data 'runs/corpus/train/song-*=2.2' --data 'runs/corpus/train/backing-*=1.3' \
	    --data 'runs/corpus/train/struck-*=2.0' --data 'runs/corpus/train/treated-*=0.7' \
	    --data 'runs/corpus/train/voice-*=0.35' --data 'runs/corpus/train/guitar-*=0.12' \
	    --valid 'runs/corpus/valid/real-*' --valid 'runs/corpus/valid/song-*'
	$(BIN)/unbraid export runs/unbraid/checkpoint.pt -o runs/unbraid.onnx

# What an image or a server installs, each file with its hash; needs uv.
lock:
	uv pip compile pyproject.toml --extra web --extra postgres --extra broker --extra s3 --universal --python-version 3.11 \
	    --generate-hashes --upgrade --quiet --custom-compile-command 'make lock' --output-file deploy/requirements.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

# pip first: the one that Python 3.11 brings takes thrice as long to choose the versions.
.venv/python:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	@touch $@

.venv/installed: .venv/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/serving: .venv/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

# Uncompiled: of twenty thousand modules few are ever imported, and these are compiled then.
.venv/developing: .venv/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile -e ".[dev]"
	@touch $@

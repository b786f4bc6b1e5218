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

test:
    cargo test --workspace --locked

# One suite against the reference
suite SUITE="auth-keys":
    cargo run -p harness -- --suite {{SUITE}}

lint:
    cargo run -p harness -- lint

# Ratios, measured in one run each
bench:
    cargo bench -p mock-server --bench registrations
    cargo bench -p harness --bench suite

# Look at changed snapshots one by one
review:
    cargo insta review

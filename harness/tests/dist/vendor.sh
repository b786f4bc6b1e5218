# What a vendor does with the release archive; run by busybox's shell, whose path is the argument.
set -euo pipefail
busybox=$1
for program in cargo rustc git python3; do
  if command -v "$program"; then echo "$program is here" >&2; exit 1; fi
done
if "$busybox" touch /kit-was-here 2>/dev/null; then echo "the root folder can be written to" >&2; exit 1; fi

(cd /release && "$busybox" sha256sum -c SHA256SUMS)
"$busybox" tar -xzf /release/harness-*.tar.gz -C /kit
cd /work
harness=$(echo /kit/harness-*/bin/harness)
"$busybox" test -s "$(echo /kit/harness-*/harness.cdx.json)"
"$harness" --version
"$harness" list | "$busybox" tail -n 1
"$harness" man explain | "$busybox" grep 'TH harness-explain'

export ACME_ADMIN=ada-runs-acme ACME_OWNER=olive-owns-acme ACME_MEMBER=max-works-at-acme
"$harness" init --name acme --base-url http://127.0.0.1:8080 --org-id org_9fX2kR --admin login:admin@acme.example:ACME_ADMIN \
  --owner login:owner@acme.example:ACME_OWNER --member login:member@acme.example:ACME_MEMBER
"$harness" doctor
"$harness" --no-waits --report evidence=bundle.zip --report html=page.html | "$busybox" tail -n 12
"$harness" verify bundle.zip
# The reference and the agent are in the program as well.
"$harness" -q --no-config --filter used-count

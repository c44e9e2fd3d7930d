#!/usr/bin/env bash
# Fuzzes every decoder of the module in turn. FUZZBUDGET is the number of seconds for all of them together (default 60).
set -euo pipefail
cd "$(dirname "$0")/.."

budget=${FUZZBUDGET:-60}
mapfile -t targets < <(grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' cmd internal pkg | sort)
if [ ${#targets[@]} -eq 0 ]; then
  echo "fuzz: no targets found" >&2
  exit 1
fi
each=$(((budget + ${#targets[@]} - 1) / ${#targets[@]}))
echo "fuzz: ${#targets[@]} targets, ${each}s each"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Go before 1.27 sometimes reports the end of -fuzztime itself as a failure, with nothing but "context deadline exceeded"
# and no input (https://go.dev/issue/75804). That, and nothing else, passes.
only_out_of_time() {
  grep -q '^    context deadline exceeded$' "$log" && ! grep -Eq 'Failing input written|panic:|hung or terminated|_test\.go:' "$log"
}

for target in "${targets[@]}"; do
  file=${target%%:*}
  name=${target##*func }
  if ! go test -run '^$' -fuzz "^${name}\$" -fuzztime "${each}s" "./$(dirname "$file")" 2>&1 | tee "$log"; then
    only_out_of_time || exit 1
    echo "fuzz: $name ran out of its time with no failing input: passed (go.dev/issue/75804)"
  fi
done

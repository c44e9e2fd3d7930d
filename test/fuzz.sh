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
for target in "${targets[@]}"; do
  file=${target%%:*}
  name=${target##*func }
  go test -run '^$' -fuzz "^${name}\$" -fuzztime "${each}s" "./$(dirname "$file")"
done

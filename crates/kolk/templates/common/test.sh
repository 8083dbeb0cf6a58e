#!/bin/sh
# Builds the node, probes it by itself, and runs it in a cluster. KOLK names another kolk.
set -eu
cd "$(dirname "$0")"
kolk=${KOLK:-kolk}

./build.sh
$kolk check-node BIN
$kolk test -w echo --bin BIN --node-count 3 --time-limit 3
$kolk test -w echo --bin BIN --node-count 3 --time-limit 60 --clock virtual --seed 1

#!/usr/bin/env bash
# Exports a store's pairs, fine-tunes a checkpoint on them, and measures it on HumanEval before and after.
#   examples/finetune/run.sh CONFIG ENGINE CHECKPOINT OUTPUT [--set KEY=VALUE ...]
# ENGINE is the engine in CONFIG whose model CHECKPOINT takes the place of. OUTPUT is a folder that is not there yet.
# It needs TRL beside what spark-submit.sh installs, as the extra `train` has it: .venv/bin/pip install trl==1.16.0
set -euo pipefail

(($# >= 4)) || {
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
}
config=$1 engine=$2 checkpoint=$3 output=$4
shift 4
project=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd -P)
mkdir -p "$(dirname "$output")"
mkdir "$output" # fails if it is there
output=$(cd "$output" && pwd -P)

evaluate() { # MODEL, and the options of spark-submit.sh
    local model=$1
    shift
    "$project/spark-submit.sh" jobs/evaluate.py "$config" --benchmark humaneval --engine "$engine" "$@" \
        --set "engines.$engine.model=$model"
}

"$project/spark-submit.sh" jobs/export.py "$config" --format messages --split test=0.1 --shuffle 1 \
    --output "$output/data" "$@"
evaluate "$checkpoint" "$@" | tee "$output/before.txt"
"$project/.venv/bin/python" "$project/examples/finetune/finetune.py" "$output/data" "$output/checkpoint" \
    --model "$checkpoint"
evaluate "$output/checkpoint" "$@" | tee "$output/after.txt"

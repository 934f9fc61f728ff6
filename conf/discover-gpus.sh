#!/usr/bin/env bash
# Prints the GPUs of this machine or container as Spark wants them: {"name": "gpu", "addresses": ["0", "1"]}.
# For spark.executor.resource.gpu.discoveryScript, and spark.worker.resource.gpu.discoveryScript on standalone.
# With CUDA_VISIBLE_DEVICES, which a container's start may have set, only those named there.
set -euo pipefail

fail() {
    printf 'discover-gpus.sh: %s\n' "$*" >&2
    exit 1
}

command -v nvidia-smi >/dev/null || fail "nvidia-smi is not on the PATH ($PATH) of $(hostname); is NVIDIA's driver there?"
listed=$(nvidia-smi --query-gpu=index --format=csv,noheader) || fail "nvidia-smi failed on $(hostname): $listed"
indices=()
while IFS= read -r line; do
    read -r line <<<"$line" # without the spaces around it
    [[ -n $line ]] || continue
    [[ $line =~ ^[0-9]+$ ]] || fail "nvidia-smi printed '$line' in place of a GPU's number"
    if [[ -z ${CUDA_VISIBLE_DEVICES+set} || ,$CUDA_VISIBLE_DEVICES, == *",$line,"* ]]; then indices+=("$line"); fi
done <<<"$listed"
((${#indices[@]} > 0)) || fail "no GPU on $(hostname)${CUDA_VISIBLE_DEVICES+ among CUDA_VISIBLE_DEVICES=$CUDA_VISIBLE_DEVICES}"
printf -v addresses '"%s", ' "${indices[@]}"
printf '{"name": "gpu", "addresses": [%s]}\n' "${addresses%, }"

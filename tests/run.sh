#!/usr/bin/env bash
# Runs the test suite in three processes, which keep two cores at work, or with pytest's ARGUMENTS what they say, in
# the environment that spark-submit.sh makes.
#   tests/run.sh                    everything but the clusters
#   tests/run.sh --fast             what needs no JVM, no engine and no sandbox
#   tests/run.sh --cluster          a standalone cluster and a YARN on this machine
#   tests/run.sh --shuffle SEED     everything, in another order
#   tests/run.sh ARGUMENT...        such as: tests/run.sh -m 'not vllm' tests/evolution/operators/test_draws.py
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=conf/environment.sh
source "$here/../conf/environment.sh"

choose_python
[[ ${1:-} == --fast ]] || check_java
make_environment
choose_package
choose_spark
if [[ ${1:-} != --fast ]]; then
    choose_delta_jars ""
    fetch_delta_jars
    choose_class_data
    make_class_data
    prepare_model
fi

export PYSPARK_PYTHON=${PYSPARK_PYTHON:-$python} PYSPARK_DRIVER_PYTHON=$python SPARK_HOME=$spark_home

case ${1:-} in
'' | --shuffle) set -- --numprocesses 3 --dist loadfile --no-loadscope-reorder "$@" ;;
--cluster)
    fetch_yarn_jars
    set -- --numprocesses 2 --dist loadfile tests/cluster "${@:2}"
    ;;
esac
cd "$project"
exec "$python" -m pytest "$@"

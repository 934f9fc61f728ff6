#!/usr/bin/env bash
# What a container of the image is: an executor, as Spark's scheduler starts it, or else the command that it is given.
set -euo pipefail

# A user number that an administrator's policy picks has no name, which Hadoop asks for.
if ! whoami >/dev/null 2>&1; then export HADOOP_USER_NAME=spark USER=spark HOME=${HOME:-/opt/work}; fi

if [[ ${1:-} != executor ]]; then exec tini -s -- "$@"; fi

options=()
for ((number = 0; ; number++)); do
    name=SPARK_JAVA_OPT_$number
    [[ -n ${!name:-} ]] || break
    options+=("${!name}")
done
exec tini -s -- java "${options[@]}" -Xms"$SPARK_EXECUTOR_MEMORY" -Xmx"$SPARK_EXECUTOR_MEMORY" \
    -cp "${SPARK_CONF_DIR:+$SPARK_CONF_DIR:}$SPARK_HOME/jars/*:${SPARK_EXTRA_CLASSPATH:-}" \
    org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
    --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
    --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
    --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"

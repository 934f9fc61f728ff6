# shellcheck shell=bash disable=SC2034 # its variables are for those that source it
# What a start needs before Spark can run: Python's environment, Delta's jars, the bundled model.
# Sourced by spark-submit.sh, tests/run.sh and .ci/run. Each function is a step, and does nothing when it is done already.

project=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd -P)
cache=$project/.cache
environment=$project/.venv
pins=$project/conf/environment.txt
delta_package=io.delta:delta-spark_4.2_2.13:4.4.0
delta_checksums=$project/conf/delta-jars.sha256

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

fail() { # MESSAGE: something that the person who started this can put right
    say "$@"
    exit 2
}

# Waits for the lock NAME, so that two starts at once do not make the same thing twice. The lock is file descriptor 9:
# an installer that outlives a killed start keeps it until it ends.
lock() { # NAME
    mkdir -p "$cache"
    exec 9>"$cache/$1.lock"
    flock --nonblock 9 || {
        say "waiting for another start that is making the $1"
        flock 9
    }
}

unlock() { exec 9>&-; }

# ---------------------------------------------------------------------------------------------------------- Python

# Sets `python`, the driver's.
choose_python() {
    python=$environment/bin/python
    if [[ -n ${PYSPARK_PYTHON:-} ]]; then
        python=${PYSPARK_DRIVER_PYTHON:-$PYSPARK_PYTHON}
        command -v "$python" >/dev/null || fail "PYSPARK_PYTHON names $python, which is not there"
    else
        # uv compiles nothing: Python writes a module's bytecode when it is first imported. Without that each start
        # would compile pandas, pyspark and all else again, which takes several seconds.
        unset PYTHONDONTWRITEBYTECODE
    fi
}

environment_ready() {
    [[ -n ${PYSPARK_PYTHON:-} ]] && return
    [[ -x $environment/bin/python && "$(cat "$environment/.pins" 2>/dev/null)" == "$(pins_hash)" ]]
}

pins_hash() { sha256sum <"$pins"; }

# Puts this checkout on the module path, and sets `package_installed` if the environment has the package itself.
choose_package() {
    package_installed=
    if [[ -n ${PYSPARK_PYTHON:-} ]] && "$python" -I -c 'import genetic_udfs' 2>/dev/null; then
        package_installed=yes
    else
        export PYTHONPATH=$project${PYTHONPATH:+:$PYTHONPATH}
    fi
}

# Writes the package as a zip file for the executors. Another start may read the old one: it is replaced whole.
zip_package() {
    mkdir -p "$cache"
    "$python" -c '
import os, sys, zipfile
from pathlib import Path
project, target = map(Path, sys.argv[1:])
draft = target.with_suffix(f".{os.getpid()}")
with zipfile.ZipFile(draft, "w") as archive:
    for file in sorted((project / "genetic_udfs").rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            archive.write(file, file.relative_to(project))
draft.replace(target)' "$project" "$cache/genetic_udfs.zip"
}

# Prints the Python 3.11 that the environment is made from.
base_python() {
    local candidate without_venv=
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3; do
        "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || continue
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
        without_venv=$candidate
    done
    [[ -z $without_venv ]] || fail "$without_venv has no venv module; install it (Debian, Ubuntu: python3.11-venv)"
    fail "Python 3.11 is needed and was not found; install it (Debian, Ubuntu: python3.11 and python3.11-venv)," \
        "or say where it is: PYTHON=/path/to/python3.11"
}

# Prints the Java that Spark's scripts take.
choose_java() {
    if [[ -n ${JAVA_HOME:-} ]]; then printf '%s\n' "$JAVA_HOME/bin/java"; else printf 'java\n'; fi
}

# Prints the folder that a Java is installed in.
java_home() { # JAVA
    local path
    path=$(readlink -f "$(command -v "$1")") || true
    printf '%s\n' "${path%/bin/java}"
}

# Spark 4.2 runs on Java 17 and 21. Somebody who sets PYSPARK_PYTHON sees to Java as well.
check_java() {
    local java found
    [[ -z ${PYSPARK_PYTHON:-} ]] || return 0
    java=$(choose_java)
    found=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$(java_home "$java")/release" 2>/dev/null) || true
    [[ -n $found ]] || found=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || true
    case $found in
    17 | 21) ;;
    '') fail "Java 17 or 21 is needed and $java was not found;" \
        "install it (Debian, Ubuntu: openjdk-17-jre-headless), or set JAVA_HOME" ;;
    *) fail "Java 17 or 21 is needed, $java is Java $found; set JAVA_HOME to the right one" ;;
    esac
}

# Makes .venv when it is missing, was left half-made, or has other pins than conf/environment.txt. Somebody who sets
# PYSPARK_PYTHON has an environment already.
#
# pip is there to install uv, in the pinned version, and uv installs the rest. Measured on 2 cores with nothing cached
# (7 GB unpacked): uv 54 s, pip 23 164 s. What uv installs are hard links into its cache, so that a second clone neither
# downloads nor stores it again. The machine's own pip may also be of any age, and old ones build pyspark in another
# way; uv is the same everywhere.
make_environment() {
    local base began=$SECONDS
    environment_ready && return
    # To make it anew would empty the folder that the link points to, which is another checkout's.
    [[ ! -L $environment ]] ||
        fail "$environment is a link to $(readlink "$environment"), whose packages are not those of $pins; update it there," \
            "or remove the link, and an environment is made here"
    base=$(base_python)
    lock environment
    if ! environment_ready; then # another start may have made it while this one waited
        say "making the Python environment in $environment (7 GB, a few minutes)"
        rm -f "$environment/.pins"
        "$base" -I -m venv --clear "$environment"
        "$environment/bin/python" -I -m pip install --quiet --disable-pip-version-check "$(grep '^uv==' "$pins")"
        install_pins || {
            say "the packages could not be installed; the next start begins anew"
            exit 1
        }
        pins_hash >"$environment/.pins"
        say "the environment is made: $((SECONDS - began)) s"
    fi
    unlock
}

install_pins() (
    quiet=
    if [[ ! -t 2 ]]; then # uv draws bars on a terminal; a log gets a line now and then
        quiet=--quiet
        heartbeat &
        trap 'kill "$!" 2>/dev/null' EXIT
    fi
    run_uv pip install $quiet --python "$environment/bin/python" --no-deps --requirements "$pins"
)

# Runs uv with pip's configuration, since that is where people name their mirror and certificates.
run_uv() (
    # shellcheck disable=SC2030 # in a subshell, so that none of it reaches Spark
    pip_settings=$("$environment/bin/python" -I -m pip config list 2>/dev/null) || true
    carry_pip_setting UV_DEFAULT_INDEX index-url
    carry_pip_setting UV_INDEX extra-index-url
    carry_pip_setting UV_FIND_LINKS find-links ,
    carry_pip_setting UV_INSECURE_HOST trusted-host
    carry_pip_setting UV_HTTP_TIMEOUT timeout
    carry_pip_setting UV_HTTP_TIMEOUT default-timeout
    carry_pip_setting SSL_CERT_FILE cert
    carry_pip_setting SSL_CLIENT_CERT client-cert
    carry_pip_setting ALL_PROXY proxy
    if grep -qiE "no-index='(1|true|yes|on)'" <<<"$pip_settings"; then set -- "$@" --no-index; fi
    export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}                  # as pip does
    export UV_INDEX_STRATEGY=${UV_INDEX_STRATEGY:-unsafe-best-match} # any index may hold a pin, as for pip
    cd "$project" || exit # no other project's settings, wherever this was started from
    "$environment/bin/uv" "$@"
)

# shellcheck disable=SC2031
carry_pip_setting() { # UV_VARIABLE PIP_SETTING [SEPARATOR]: of uv's environment, unless it is set there
    local scope value=
    for scope in :env: install global; do # the order in which pip lets one win over the other
        value=$(sed -n "s/^$scope\.$2='\(.*\)'\$/\1/p" <<<"$pip_settings")
        [[ -z $value ]] || break
    done
    value=${value//\\n/ }
    if [[ -n $value && -z ${!1:-} ]]; then
        read -ra value <<<"$value"
        local IFS=${3:- }
        export "$1=${value[*]}"
    fi
}

# Ends with the script, and holds neither its lock nor its output open while it sleeps.
heartbeat() {
    local began=$SECONDS
    while sleep 10 >/dev/null 2>&1 9>&- && kill -0 "$$" 2>/dev/null; do
        say "installing packages: $((SECONDS - began)) s"
    done
}

# ------------------------------------------------------------------------------------------------------------ Spark

# Sets `spark_home` to Spark's folder: the user's, or the one inside the Python package.
choose_spark() {
    if [[ -n ${SPARK_HOME:-} ]]; then
        spark_home=$SPARK_HOME
    elif [[ -z ${PYSPARK_PYTHON:-} ]]; then
        spark_home=$environment/lib/python3.11/site-packages/pyspark
    else
        spark_home=$("$python" -I -c '
from importlib.util import find_spec
found = find_spec("pyspark")
print(found.submodule_search_locations[0] if found else "")')
        [[ -n $spark_home ]] || fail "$python has no pyspark, and SPARK_HOME is not set; set one of them up"
    fi
}

# Sets `delta_jars`, the paths of Delta's jars: none when this Spark or the ARGUMENTS for spark-submit bring Delta. What
# `spark.yarn.jars` or an archive of YARN's brings is on the class path of executors alone.
choose_delta_jars() { # [ARGUMENT...]
    local argument names
    delta_jars=()
    for argument in "$@"; do
        [[ $argument != *delta-spark_* || $argument == *spark.yarn.* ]] || return 0
    done
    if ! compgen -G "$spark_home/jars/delta-spark_*.jar" >/dev/null; then
        mapfile -t names < <(sed 's/^[0-9a-f]*  //' "$delta_checksums")
        delta_jars=("${names[@]/#/$cache/ivy/jars/}")
    fi
}

delta_jars_ready() {
    ((${#delta_jars[@]} == 0)) && return
    (cd "$cache/ivy/jars" && sha256sum --check --status "$delta_checksums") 2>/dev/null
}

# Fetches Delta's jars by Spark's own resolver. Of the 33 that the package asks for Spark ships all but the 7 listed in
# conf/delta-jars.sha256, so everything outside Delta's and Unity Catalog's groups is excluded.
fetch_delta_jars() {
    delta_jars_ready && return
    lock jars
    if ! delta_jars_ready; then
        say "fetching Delta's jars into $cache/ivy"
        rm -rf "$cache/ivy" # Ivy would take a damaged file there for a good one
        mkdir -p "$cache/ivy"
        : >"$cache/ivy/nothing.py"
        # Ivy takes a POM in ~/.m2 as proof that the jar lies beside it, and fails when it does not: with another home
        # it does not look there.
        env PYSPARK_PYTHON="$python" PYSPARK_DRIVER_PYTHON="$python" SPARK_HOME="$spark_home" \
            "$spark_home/bin/spark-submit" --master 'local[1]' --deploy-mode client --packages "$delta_package" \
            --conf "spark.jars.ivy=$cache/ivy" --conf 'spark.jars.excludes=org.*:*,com.*:*,javax.*:*,commons-*:*' \
            --driver-java-options "-Duser.home='$cache/ivy/home'" "$cache/ivy/nothing.py" >"$cache/ivy/log" 2>&1 ||
            true # what counts is whether the jars are there
        delta_jars_ready || explain_missing_jars
        say "Delta's jars are there: ${#delta_jars[@]} files"
    fi
    unlock
}

explain_missing_jars() {
    grep -E 'FAILED|NOT FOUND|unresolved|rror|xception|UNRESOLVED' "$cache/ivy/log" | head -n 12 >&2 || true
    say "Delta's jars ($delta_package) could not be fetched whole; Spark's output is in $cache/ivy/log." \
        "Is Maven Central reachable? A mirror is named by DEFAULT_ARTIFACT_REPOSITORY. On a machine without a network" \
        "copy .cache/ivy/jars from one that has it; or let SPARK_HOME or SPARK_SUBMIT_ARGS bring delta-spark."
    exit 1
}

# Fetches what a YARN of one machine takes beside Spark's own jars, for tests/cluster. Without it they do without YARN.
yarn_packages=org.apache.hadoop:hadoop-client-minicluster:3.5.0,org.junit.jupiter:junit-jupiter-api:5.13.4
yarn_packages+=,org.bouncycastle:bcpkix-jdk18on:1.78.1
fetch_yarn_jars() {
    local folder=$cache/yarn
    [[ ! -e $folder/complete ]] || return 0
    lock yarn
    if [[ ! -e $folder/complete ]]; then
        say "fetching the jars of a YARN mini cluster into $folder (80 MB)"
        rm -rf "$folder"
        mkdir -p "$folder"
        : >"$folder/nothing.py"
        if env PYSPARK_PYTHON="$python" PYSPARK_DRIVER_PYTHON="$python" SPARK_HOME="$spark_home" \
            "$spark_home/bin/spark-submit" --master 'local[1]' --deploy-mode client --packages "$yarn_packages" \
            --conf "spark.jars.ivy=$folder" --driver-java-options "-Duser.home='$folder/home'" --conf \
            'spark.jars.excludes=org.apache.hadoop:hadoop-client-api,org.apache.hadoop:hadoop-client-runtime' \
            "$folder/nothing.py" >"$folder/log" 2>&1; then
            : >"$folder/complete"
        else
            say "it failed, and the tests do without YARN; Spark's output is in $folder/log"
        fi
    fi
    unlock
}

# ---------------------------------------------------------------------------------------------------- class data

# The driver's JVM of a short job does little but load classes. Java keeps them in an archive, parsed and verified: one
# of Spark with Delta, one of the launcher that Spark's scripts start first. They are made for the environment's own
# Spark alone, and a job does without them as well.

# Sets `class_data`, the folder of the archives for this Java and the jars of the class path. There is none for another
# Spark, nor in a path with a space, which could not be handed to Spark's launcher.
choose_class_data() {
    local java key
    class_data=
    [[ $spark_home == "$environment"/* && $cache != *[[:space:]]* ]] || return 0
    java=$(choose_java)
    key=$(stat -L --format '%n %s %Y' "$(java_home "$java")"/{bin/java,release} "$spark_home"/jars/*.jar \
        "${delta_jars[@]}" "$project/conf/class_data.py" 2>/dev/null | sha256sum) || true
    class_data=$cache/class-data/${key:0:16}
}

# Prints the path of the archive NAME where there is one.
class_data_archive() { # NAME
    local archive=$class_data/$1.jsa
    if [[ -n $class_data && -e $class_data/complete && -f $archive ]]; then printf '%s\n' "$archive"; fi
}

# Whether this user may make the archives: a checkout may be another's.
may_make_class_data() {
    mkdir -p "$class_data" 2>/dev/null && [[ -w $class_data ]] && : 2>/dev/null >>"$cache/class-data.lock"
}

# Makes the archives by a short run of Spark. Where that fails the jobs start without them, and it is not tried again.
make_class_data() {
    [[ -n $class_data && ! -e $class_data/complete ]] || return 0
    may_make_class_data || return 0
    lock class-data
    if [[ ! -e $class_data/complete ]]; then
        say "archiving the classes of Spark and Delta, so that jobs start faster (about a minute, once)"
        rm -rf "${class_data:?}"/* "$cache"/class-data/{key,log,spark.jsa,launcher.jsa} # the latter of earlier releases
        env -u HADOOP_CONF_DIR -u YARN_CONF_DIR -u SPARK_CONF_DIR -u JAVA_TOOL_OPTIONS \
            PYSPARK_PYTHON="$python" PYSPARK_DRIVER_PYTHON="$python" SPARK_HOME="$spark_home" \
            SPARK_DIST_CLASSPATH="$(joined : "${delta_jars[@]}")" \
            SPARK_LAUNCHER_OPTS="-XX:ArchiveClassesAtExit=$class_data/launcher.jsa -Xlog:disable" \
            SPARK_SUBMIT_OPTS="-XX:ArchiveClassesAtExit=$class_data/spark.jsa -Xlog:disable -XX:TieredStopAtLevel=1" \
            "$spark_home/bin/spark-submit" --master 'local[2]' "$project/conf/class_data.py" "$class_data/scratch" \
            >"$class_data/log" 2>&1 || say "it failed, and jobs start without; Spark's output is in $class_data/log"
        rm -rf "$class_data/scratch"
        : >"$class_data/complete"
    fi
    unlock
}

joined() { # SEPARATOR WORD...
    local IFS=$1
    printf '%s\n' "${*:2}"
}

say_what_is_missing() {
    environment_ready || say "dry run: the Python environment would be made first, in $environment"
    delta_jars_ready || say "dry run: Delta's jars would be fetched first, into $cache/ivy"
}

# ------------------------------------------------------------------------------------------------------------ model

# Converts the bundled model once, into .cache/models.
prepare_model() {
    local status=0
    [[ -e $project/genetic_udfs/engine/models.py ]] || return 0
    "$python" -P -m genetic_udfs.engine.models || status=$?
    ((status == 0)) || exit "$status"
}

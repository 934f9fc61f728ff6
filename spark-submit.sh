#!/usr/bin/env bash
# Runs a job of this project with Spark's own spark-submit; `./spark-submit.sh --help` says how.
# The steps that make what a start needs are in conf/environment.sh, what happens on a signal in conf/signals.py.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=conf/environment.sh
source "$here/conf/environment.sh"

usage() {
    cat <<'USAGE'
usage: spark-submit.sh [--dry-run | --verbose] JOB [CONFIG] [OPTION...]
       spark-submit.sh --prepare

  JOB        a script, such as jobs/evolve.py
  CONFIG     its configuration, such as conf/local.yaml; names the master and Spark's settings
  OPTION     goes to the job; --set a.b=c overrides a key of CONFIG, --help says what else there is
  --dry-run  print the command that would run, and run nothing
  --verbose  print the command, and run it
  --prepare  make the Python environment, fetch Delta's jars, convert the bundled model, and stop

JOB and CONFIG are looked for from where you are, then in the project's folder.

Environment variables:
  SPARK_SUBMIT_ARGS  more arguments for spark-submit; they win over CONFIG's
  SPARK_SUBMIT_OPTS  more options for the driver's JVM; they win over those that a job gets here
  SPARK_HOME         the Spark to use instead of the one in the Python environment
  PYSPARK_PYTHON     the Python of an environment that exists; then none is made
  PYTHON             the Python 3.11 to make the environment from
USAGE
}

# Sets `dry_run`, `verbose`, `only_prepare`, `only_help`, `job`, `config` (may be empty) and `options`.
read_arguments() { # ARGUMENT...
    local argument words=()
    dry_run='' verbose='' only_prepare='' only_help='' job='' config='' options=() submit_arguments=()
    for argument; do
        if [[ $argument == --dry-run ]]; then
            dry_run=yes
        elif [[ $argument == --verbose && ${#words[@]} == 0 ]]; then # after the job it is the job's
            verbose=yes
        else
            words+=("$argument")
        fi
    done
    case ${words[0]:-} in
    '') usage >&2 && exit 2 ;;
    -h | --help) usage && exit ;;
    --prepare) only_prepare=yes && return ;;
    -*) fail "${words[0]}: not an option of this script; a job's options come after JOB and CONFIG" ;;
    esac
    job=$(locate "${words[0]}")
    [[ -f $job ]] || fail "${words[0]}: no such job, neither here nor in $project"
    if asks_for_help "${words[@]:1}" && [[ $(readlink -f "$job") == "$project"/jobs/* ]]; then
        only_help=yes
        return
    fi
    if [[ ${words[1]:--} == -* ]]; then
        options=("${words[@]:1}")
    else
        config=$(locate "${words[1]}")
        [[ -f $config ]] || fail "$config: no such configuration, neither here nor in $project"
        options=("${words[@]:2}")
    fi
}

asks_for_help() { # ARGUMENT...
    local argument
    for argument; do
        case $argument in
        --help) return 0 ;;
        --) return 1 ;;
        esac
    done
    return 1
}

# Prints PATH as it is if it is there, else as it is in the project's folder.
locate() { # PATH
    if [[ ! -e $1 && -e $project/$1 ]]; then printf '%s\n' "$project/$1"; else printf '%s\n' "$1"; fi
}

# Sets `submit_arguments`: those that the configuration asks for, then the user's, so that the user's win.
gather_submit_arguments() {
    local output=
    if [[ -n $config ]] && environment_ready; then
        output=$("$python" -P -m genetic_udfs.commands.launch "$job" "$config" "${options[@]}")
    elif [[ -n $config ]]; then
        say "dry run: the arguments that $config asks for are left out, since reading it takes the environment"
    fi
    read_user_arguments
    submit_arguments=()
    [[ -z $output ]] || mapfile -t submit_arguments <<<"$output"
    submit_arguments+=("${user_arguments[@]}")
}

# Sets `user_arguments`: SPARK_SUBMIT_ARGS as a shell splits it, with nothing in it expanded or executed.
read_user_arguments() {
    local splitter=$python
    user_arguments=()
    [[ -n ${SPARK_SUBMIT_ARGS:-} ]] || return 0
    environment_ready || splitter=$(base_python)
    mapfile -d '' -t user_arguments < <("$splitter" -c '
import shlex, sys
try:
    sys.stdout.write("".join(word + "\0" for word in shlex.split(sys.argv[1])))
except ValueError as error:
    sys.exit(f"spark-submit.sh: SPARK_SUBMIT_ARGS: {error}: {sys.argv[1]}")' "$SPARK_SUBMIT_ARGS")
    wait "$!" || exit 2
}

# Adds paths to a list of which spark-submit would take only the last one given, such as --jars.
add_to_list() { # OPTION KEY PATH...: KEY is the option's name among Spark's settings
    local option=$1 key=$2 kept=() paths=("${@:3}") IFS=,
    set -- "${submit_arguments[@]}"
    while (($# > 0)); do
        case "$1 ${2:-}" in
        "$option "* | "--conf $key="*) paths=("${2#"$key="}" "${paths[@]}") && shift ;;
        "$option="*) paths=("${1#"$option="}" "${paths[@]}") ;;
        *) kept+=("$1") ;;
        esac
        shift
    done
    submit_arguments=("${kept[@]}" "$option" "${paths[*]}")
}

# Puts Delta's jars where they are found: on the class path of the JVM that is driver and executor in one, which its
# archive of classes covers; else Spark copies them to the executors.
add_delta_jars() {
    class_path=()
    ((${#delta_jars[@]} > 0)) || return 0
    if is_local; then class_path=("${delta_jars[@]}"); else add_to_list --jars spark.jars "${delta_jars[@]}"; fi
}

# Sets `jvm_options`, those of the driver; the user's come after them and win.
choose_jvm_options() {
    local archive=
    jvm_options=()
    case ${job##*/} in
    # For jobs of some seconds Java's second compiler takes more time than it gains. The first one alone would have a
    # fifth of the room for what it compiles, which is too little for Spark.
    sql.py | history.py | lineage.py | compare.py | report.py)
        jvm_options+=(-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m)
        ;;
    esac
    if is_local; then archive=$(class_data_archive spark); fi
    # An archive that does not fit is left aside, as if there were none. Java would say so on stdout, among a job's rows.
    [[ -z $archive ]] ||
        jvm_options+=("-XX:SharedArchiveFile=$archive" -Xlog:disable '-Xlog:all=warning,cds*=off:stderr')
    has_own_log4j || jvm_options+=("-Dlog4j2.configurationFile=$project/conf/log4j2.properties")
}

# Whether the user has settings for Spark's log.
has_own_log4j() {
    local folder=${SPARK_CONF_DIR:-$spark_home/conf}
    [[ "${submit_arguments[*]} ${SPARK_SUBMIT_OPTS:-}" == *log4j*.configuration* ]] ||
        compgen -G "$folder/log4j2*" >/dev/null || grep -qs 'log4j.*\.configuration' "$folder/spark-defaults.conf"
}

# Prints options of a JVM in one line that Spark splits again.
quoted() { # OPTION...
    local option words=()
    for option; do
        if [[ $option == *[[:space:]\"\'\\]* ]]; then
            option=${option//\\/\\\\}
            option=\"${option//\"/\\\"}\"
        fi
        words+=("$option")
    done
    printf '%s\n' "${words[*]}"
}

is_local() { case $(master) in local | local\[*) ;; *) return 1 ;; esac }

# Executors of another process than the driver have no PYTHONPATH of ours: they get the package as a zip file, unless it
# is installed in the environment that PYSPARK_PYTHON names.
add_package() {
    if is_local; then return; fi
    [[ -z $package_installed ]] || return 0
    [[ -n $dry_run ]] || zip_package
    add_to_list --py-files spark.submit.pyFiles "$cache/genetic_udfs.zip"
}

# Spark itself would say it in a trace.
check_master() {
    if [[ $(master) == yarn && -z ${HADOOP_CONF_DIR:-}${YARN_CONF_DIR:-} ]]; then
        fail "--master yarn: HADOOP_CONF_DIR is not set; export the folder with the cluster's core-site.xml and yarn-site.xml"
    fi
}

# Prints the master that the arguments name last; nothing when they leave it to Spark.
master() {
    local previous='' argument found=''
    for argument in "${submit_arguments[@]}"; do
        case "$previous $argument" in
        "--master "* | "--conf spark.master="*) found=${argument#spark.master=} ;;
        *" --master="*) found=${argument#--master=} ;;
        esac
        previous=$argument
    done
    printf '%s\n' "$found"
}

# Sets `command`: what is run, with the environment variables that it needs.
compose_command() {
    command=(env "SPARK_HOME=$spark_home" "PYSPARK_PYTHON=${PYSPARK_PYTHON:-$python}" "PYSPARK_DRIVER_PYTHON=$python")
    [[ -z ${PYTHONPATH:-} ]] || command+=("PYTHONPATH=$PYTHONPATH")
    ((${#class_path[@]} == 0)) ||
        command+=("SPARK_DIST_CLASSPATH=$(joined : "${class_path[@]}" ${SPARK_DIST_CLASSPATH:+"$SPARK_DIST_CLASSPATH"})")
    ((${#jvm_options[@]} == 0)) ||
        command+=("SPARK_SUBMIT_OPTS=$(quoted "${jvm_options[@]}")${SPARK_SUBMIT_OPTS:+ $SPARK_SUBMIT_OPTS}")
    launcher_archive=$(class_data_archive launcher)
    [[ -z $launcher_archive ]] || command+=("SPARK_LAUNCHER_OPTS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
-XX:SharedArchiveFile=$launcher_archive -Xlog:disable${SPARK_LAUNCHER_OPTS:+ $SPARK_LAUNCHER_OPTS}")
    # Spark pipes the driver's output, so the job cannot see by itself that a person is watching.
    [[ ! -t 1 ]] || command+=(GENETIC_UDFS_TERMINAL=/dev/tty)
    command+=("$spark_home/bin/spark-submit" "${submit_arguments[@]}" "$job" ${config:+"$config"} "${options[@]}")
}

# Prints `command`, as a shell would take it, but without the values of what is named like a secret.
print_command() {
    local word words=()
    shopt -s nocasematch
    for word in "${command[@]}"; do
        if [[ $word == SPARK_SUBMIT_OPTS=* && $word =~ secret|passw|credential|key|token ]]; then
            word='SPARK_SUBMIT_OPTS=***'
        fi
        if [[ ${word%%=*} =~ secret|passw|credential|(^|[._-])[a-z]*(key|token|pat)[._-]?[0-9]*$ && $word == *=* ]]; then
            word="${word%%=*}=***"
        fi
        words+=("$word")
    done
    shopt -u nocasematch
    printf '%q ' "${words[@]:0:${#words[@]}-1}"
    printf '%q\n' "${words[-1]}"
}

main() {
    read_arguments "$@"
    choose_python
    if [[ -n $only_help ]]; then
        environment_ready || make_environment
        choose_package
        exec "$python" -P "$job" --help
    fi
    if [[ -z $dry_run ]]; then
        check_java
        make_environment
    fi
    choose_package
    [[ -n $only_prepare ]] || gather_submit_arguments
    check_master
    choose_spark
    choose_delta_jars "${submit_arguments[@]}"
    if [[ -n $dry_run ]]; then say_what_is_missing; else fetch_delta_jars; fi
    choose_class_data
    if [[ -n $only_prepare ]]; then
        make_class_data
        prepare_model
        exit
    fi
    [[ -n $dry_run ]] || ! is_local || make_class_data
    add_delta_jars
    choose_jvm_options
    add_package
    compose_command
    if [[ -n $dry_run ]]; then
        print_command
    else
        local master
        master=$(master)
        say "$job${master:+ on $master}"
        [[ -z $verbose ]] || print_command >&2
        exec "$python" -I -S "$project/conf/signals.py" "$job" "${command[@]}"
    fi
}

main "$@"

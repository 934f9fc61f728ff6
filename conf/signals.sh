# shellcheck shell=bash
# Runs spark-submit as a child, and hands signals to the Python driver below it, so that a job can finish cleanly while
# the JVM is still up. Sourced by spark-submit.sh.

# Runs COMMAND, which becomes the JVM that runs JOB, and exits with its code.
run_forwarding_signals() { # JOB COMMAND...
    local status=0 errors filter
    driver_script=${1##*/} jvm='' signals=0 last_signal=0 signalled=''
    shift
    trap 'forward TERM' TERM
    trap 'forward INT' INT
    trap 'forward HUP' HUP
    exec {errors}> >(without_incubator_warning >&2)
    filter=$!
    set -m # a process group of its own: a terminal's Ctrl-C would otherwise end the JVM under the job
    "$@" 2>&"$errors" {errors}>&- &
    jvm=$!
    set +m
    exec {errors}>&-
    if [[ -n $signalled ]]; then forward "$signalled"; fi
    signalled=yes
    while [[ -n $signalled ]]; do # a signal interrupts `wait`, and only then is there something left to wait for
        signalled=
        wait "$jvm" && status=0 || status=$?
    done
    # The JVM's last words go out first, but for no longer than that: a process that outlives it may hold its stderr.
    for _ in {1..40}; do
        kill -0 "$filter" 2>/dev/null || break
        sleep 0.05
    done
    exit "$status"
}

# Copies its input but for the line by which every JVM of Spark begins: its launcher asks for a module that Java calls
# an incubator, and Java has no option against the warning.
without_incubator_warning() {
    local line
    trap '' TERM INT HUP # it ends with the JVM
    while IFS= read -r line; do
        [[ $line != 'WARNING: Using incubator modules: jdk.incubator.vector' ]] || exec cat
        printf '%s\n' "$line"
    done
    printf %s "$line"
}

# Sends the first two signals to the driver, which finishes something on the first and nothing on the second, or to the
# JVM if there is no driver yet; any later one to both.
forward() { # SIGNAL
    local driver now=${EPOCHREALTIME//[!0-9]/} # in microseconds
    signalled=$1
    [[ -n $jvm ]] || return 0
    # `timeout` and others signal a process and then its group: twice within half a second is once.
    if ((now - last_signal < 500000)); then return 0; fi
    last_signal=$now
    signals=$((signals + 1))
    driver=$(driver_process)
    if [[ -n $driver ]]; then kill -s "$1" "$driver" 2>/dev/null || true; fi
    if [[ -z $driver ]] || ((signals > 2)); then kill -s "$1" "$jvm" 2>/dev/null || true; fi
}

# Prints the process id of the child of the JVM that runs the job's script. Its Python workers are children of it too.
driver_process() {
    local folder stat parent words word
    for folder in /proc/[0-9]*; do
        { read -r stat <"$folder/stat" && mapfile -d '' -t words <"$folder/cmdline"; } 2>/dev/null || continue
        read -r _ parent _ <<<"${stat##*) }" # after the name, which may hold anything: state, parent
        [[ $parent == "$jvm" ]] || continue
        for word in "${words[@]:1}"; do
            if [[ ${word##*/} == "$driver_script" ]]; then
                printf '%s\n' "${folder##*/}"
                return 0 # a bare return within a trap has the status of what the trap interrupted
            fi
        done
    done
}

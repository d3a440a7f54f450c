# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Steps, how long they took, what passed and what failed.
#
# A step is a function of the other files of this folder, run in a process of its own with a time
# limit.  What it prints goes to build/log/NAME.log and is shown when it fails.  Lines "N passed,
# N failed" that it prints are added up; a step without any counts as one, a preparation only when it fails.

LOGS=build/log
passed=0
failed=0
ok_counts=1

report_start() {
    mkdir -p "$LOGS"
    started=$SECONDS
}

# prepare NAME SECONDS FUNCTION ARGUMENT...
prepare() {
    ok_counts=0
    step "$@"
    local status=$?
    ok_counts=1
    return $status
}

# step NAME SECONDS FUNCTION ARGUMENT...
step() {
    local name=$1 limit=$2 log="$LOGS/$1.log" began=$SECONDS status=0 p=0 f=0
    shift 2
    timeout -k 15 "$limit" bash tests/steps/one.sh "$@" >"$log" 2>&1 </dev/null || status=$?
    read -r p f < <(awk '/^[0-9]+ passed, [0-9]+ failed$/ { p += $1; f += $3 } END { print p + 0, f + 0 }' "$log")
    [ "$((p + f + status))" -eq 0 ] && p=$ok_counts
    [ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
    passed=$((passed + p))
    failed=$((failed + f))
    if [ "$f" -eq 0 ]; then
        printf 'ok    %-22s %4d s  %s\n' "$name" $((SECONDS - began)) "$(step_note "$log" "$p")"
        return 0
    fi
    [ "$status" -eq 124 ] && echo "$name took longer than $limit s and was ended" >>"$log"
    printf -- '----- %s: the end of %s\n' "$name" "$log"
    grep -vE '^ccache |^\[[0-9]+/[0-9]+\] (Building|Linking|Re-)' "$log" | tail -n 120
    printf 'FAIL  %-22s %4d s  %d passed, %d failed\n' "$name" $((SECONDS - began)) "$p" "$f"
    return 1
}

# What to say beside "ok": what was left out, else how many passed.
step_note() {
    if grep -q '^left out: ' "$1"; then
        grep '^left out: ' "$1" | tail -n 1
    else
        [ "$2" -gt 0 ] && echo "$2 passed"
    fi
}

# The closing line; fails when something did, or when nothing ran.
report_end() {
    printf 'took %d min %02d s\n' $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60))
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

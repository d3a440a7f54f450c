# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What runs the code: unit tests, corpora, and the daemon as its clients see it.

export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

# A PostgreSQL server for as long as a suite runs; its tests make databases of their own there.
WITH_POSTGRES=(tests/support/with_postgres -c fsync=off)

# unit FOLDER CTEST-OPTION...: run its tests, and add up what they say of themselves.  Power cuts are the business of
# others (tests/crash): here files lie in memory where it is plenty.
unit() {
    local folder=$1 status=0
    shift
    [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 8000000 ] && export TMPDIR=/dev/shm
    "${WITH_POSTGRES[@]}" ctest --test-dir "build/$folder" --parallel $(($(nproc) + 1)) --output-on-failure --no-tests=error \
        --test-output-size-passed 1048576 --output-junit "$PWD/build/log/ctest-$folder.xml" "$@" || status=1
    python3 tests/steps/count_ctest.py "build/log/ctest-$folder.xml" || status=1
    return $status
}

install_node_packages() {
    local mark=tests/e2e/node_modules/.package-lock.json
    if [ -e "$mark" ] && [ "$mark" -nt tests/e2e/package-lock.json ]; then
        echo "they are there"
        return 0
    fi
    (cd tests/e2e && npm ci --ignore-scripts)
}

# e2e FOLDER NODE-ARGUMENT...: test files against the daemon and the command of build/FOLDER.
e2e() {
    local folder=$1 status=0 program
    local log="build/log/tap-$1${SEALPOST_TEST_ENGINE:+-$SEALPOST_TEST_ENGINE}${SEALPOST_E2E_PROXY:+-$SEALPOST_E2E_PROXY}.txt"
    shift
    for program in sealpostd sealpost; do
        if [ ! -x "build/$folder/bin/$program" ]; then
            echo "build/$folder/bin/$program is missing; run: ninja -C build/$folder"
            return 1
        fi
    done
    SEALPOSTD="$PWD/build/$folder/bin/sealpostd" SEALPOST="$PWD/build/$folder/bin/sealpost" PROMTOOL="$PWD/$PROMTOOL" \
        "${WITH_POSTGRES[@]}" node "$@" >"$log" 2>&1 || status=1
    if [ "$status" -ne 0 ]; then
        grep -vE '^ *(# Subtest|ok [0-9]|[0-9]+\.\.[0-9]|---$|\.\.\.$|duration_ms|type:)' "$log"
    fi
    awk '/^# (tests|pass|skipped) [0-9]+$/ { n[$2] += $3 }
        END { printf "%d passed, %d failed\n", n["pass"], n["tests"] - n["pass"] - n["skipped"] }' "$log"
    return $status
}

e2e_files() {
    e2e "$1" --test --test-reporter=tap "${@:2}"
}

# Those where bytes are cut and connections end, over TLS.
e2e_tls() {
    SEALPOST_E2E_TLS=1 e2e_files "$1" --test-concurrency=2 tests/e2e/http_raw.test.mjs tests/e2e/websocket.test.mjs \
        tests/e2e/stream.test.mjs tests/e2e/send.test.mjs
}

# e2e_behind FOLDER PROXY PREFIX FILE...: through a reverse proxy, set up as deploy/proxy/README.md tells, with a
# path prefix (/inner) or without one ('').
e2e_behind() {
    SEALPOST_E2E_PROXY=$2 SEALPOST_E2E_PREFIX=$3 e2e_files "$1" --test-concurrency=3 \
        tests/e2e/proxied/*.test.mjs "${@:4}"
}

# All of them but PostgreSQL's own, and then whether they saw every documented answer.
e2e_all() {
    e2e "$1" tests/e2e/run.mjs --test-reporter=tap
}

# Those that an engine has a part in, on PostgreSQL: each relay has a database of its own.
e2e_postgres() {
    SEALPOST_TEST_ENGINE=postgres e2e "$1" tests/e2e/run.mjs --test-reporter=tap
}

lint_openapi() {
    node tests/e2e/lint.mjs
}

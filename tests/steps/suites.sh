# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What runs the code: unit tests, corpora, and the daemon as its clients see it.

export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

# unit FOLDER CTEST-OPTION...: run its tests, and add up what they say of themselves.
unit() {
    local folder=$1 status=0
    shift
    ctest --test-dir "build/$folder" --parallel 2 --output-on-failure --no-tests=error \
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

# e2e FOLDER FILE...: the daemon and the command of build/FOLDER against test files of tests/e2e.
e2e() {
    local folder=$1 status=0 file log
    shift
    for file in sealpostd sealpost; do
        if [ ! -x "build/$folder/bin/$file" ]; then
            echo "build/$folder/bin/$file is missing; run: ninja -C build/$folder"
            return 1
        fi
    done
    log="build/log/tap-$folder.txt"
    SEALPOSTD="$PWD/build/$folder/bin/sealpostd" SEALPOST="$PWD/build/$folder/bin/sealpost" \
        node --test --test-reporter=tap "$@" >"$log" 2>&1 || status=1
    if [ "$status" -ne 0 ]; then
        grep -vE '^ *(# Subtest|ok |1\.\.|---$|\.\.\.$|duration_ms|type:)' "$log"
    fi
    awk '/^# (tests|pass) / { n[$2] = $3 } END { printf "%d passed, %d failed\n", n["pass"], n["tests"] - n["pass"] - n["skipped"] }
        /^# (skipped|todo) / { n["skipped"] += $3 }' "$log"
    return $status
}

e2e_all() {
    e2e "$1" tests/e2e/*.test.mjs
}

lint_openapi() {
    node tests/e2e/lint.mjs
}

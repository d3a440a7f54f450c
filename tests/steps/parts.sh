# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Which steps make up a run; report.sh has what they call.
# shellcheck disable=SC2154 # passed and failed are report.sh's

CHECKS=(format rooms sizes left_over cppcheck spelling shell)

test_files() {
    ls tests/e2e/*.test.mjs 2>/dev/null
}

# The names of unit tests and corpora, as unit/store/batch and fuzz/config.
unit_names() {
    sed -n 's|^tests/\([a-z]*\)/test_\(.*\)\.c$|unit/\1/\2|p; s|^tests/fuzz/fuzz_\(.*\)\.c$|fuzz/\1|p' \
        < <(ls tests/*/*.c)
}

# The target that makes a unit test or a corpus' replay.
unit_target() {
    case "$1" in
    fuzz/*) echo "replay_${1#fuzz/}" ;;
    *) echo "test_$(echo "${1#unit/}" | tr / _)" ;;
    esac
}

parts_list() {
    printf '%s\n' "${CHECKS[@]}" tidy openapi
    unit_names
    test_files | sed 's|^tests/||'
}

parts_checks() {
    local check
    for check in "${CHECKS[@]}"; do
        step "$check" 300 "check_$check"
    done
}

parts_all() {
    parts_checks
    step tidy 400 check_tidy changed
    if prepare build-asan 600 build asan; then
        step unit 600 unit asan
    fi
    prepare node-packages 180 install_node_packages && step openapi 60 lint_openapi
    step e2e 900 e2e_all asan
    step e2e-postgres 900 e2e_postgres asan
    step e2e-tls 400 e2e_tls asan
    step e2e-proxy 120 e2e_behind asan nginx ''
}

parts_matching() {
    local filter=$1 check name
    local -a units=() targets=() files=()

    for check in "${CHECKS[@]}"; do
        [ "$check" = "$filter" ] && step "$check" 300 "check_$check"
    done
    [ "$filter" = tidy ] && step tidy 400 check_tidy changed
    [ "$filter" = openapi ] && prepare node-packages 180 install_node_packages && step openapi 60 lint_openapi
    while read -r name; do
        units+=("$name")
        targets+=("$(unit_target "$name")")
    done < <(unit_names | grep -F -- "$filter")
    while read -r name; do
        files+=("$name")
    done < <(test_files | grep -F -- "$filter")
    if [ "${#files[@]}" -gt 0 ]; then
        targets+=(sealpostd sealpost manuals factors qr)
    fi
    if [ "${#targets[@]}" -eq 0 ]; then
        [ "$((passed + failed))" -gt 0 ] || echo "nothing is called $filter; tests/run --list names all"
        return
    fi
    prepare build-asan 600 build asan "${targets[@]}" || return
    if [ "${#units[@]}" -gt 0 ]; then
        step unit 600 unit asan -R "^(unit/|postgres/)?($(IFS='|' && echo "${units[*]#unit/}"))\$"
    fi
    if [ "${#files[@]}" -gt 0 ]; then
        prepare node-packages 180 install_node_packages && step e2e 600 e2e_files asan "${files[@]}"
    fi
}

parts_slow() {
    prepare build-clang 600 build clang && step walks 300 walks_long clang 20
    step sslscan 120 sslscan_daemon clang
    step tidy-all 1500 check_tidy product
    step includes 600 check_includes
    if prepare build-package 600 build package; then
        step install 120 check_install
        prepare node-packages 180 install_node_packages && step hostile 1800 hostile
        step proxies 400 proxies package
        step browser 600 browser
        step outages 900 outages package
        step shells 120 shells package
    fi
    if prepare build-plain 600 build plain; then
        step valgrind 1200 valgrind_units
        step lookups-alike 300 lookups_alike
        step factors-alike 300 factors_alike
    fi
    prepare build-tsan 600 build tsan && step tsan-unit 500 unit tsan -R 'store/|net/|http/|ws/|unit/domain/hub|loop'
    step tsan-e2e 400 e2e_sample tsan
    prepare build-fuzz 600 build_fuzz && step fuzz 900 fuzz_all 10
    prepare build-coverage 600 build coverage && step coverage 1200 coverage
    step crash 1500 tests/crash/run # it builds by itself
    step deb 300 deb_here package
    step quickstart 600 deploy/quickstart --demo --dir build/quickstart-test
    step quickstart-again 300 deploy/quickstart --demo --dir build/quickstart-test
    step quickstart-refused 300 quickstart_refused
    step quickstart-refuses 300 quickstart_refuses
    parts_trixie
}

# Debian 13.
parts_trixie() {
    prepare trixie-root 600 trixie_root || return
    step trixie-packages 120 trixie_packages
    step trixie-unit 420 trixie_unit && step trixie-deb 240 trixie_deb
    step trixie-quickstart 420 trixie_quickstart
    step trixie-testssl 900 trixie_testssl package
}

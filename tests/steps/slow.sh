# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What takes minutes: other tools over the same code.

# Floors of coverage: raised when it rises, never lowered.
LINE_FLOOR=90
BRANCH_FLOOR=78

# Each file includes what it uses, and nothing else.
check_includes() {
    configure_named clang >/dev/null || return 1
    git ls-files 'common/*.c' 'server/*.c' | xargs -P "$(nproc)" -I{} iwyu \
        -Xiwyu --error=1 -Xiwyu --no_fwd_decls -Xiwyu --quoted_includes_first \
        -Xiwyu --mapping_file=tests/steps/iwyu.imp \
        -D_GNU_SOURCE '-DSEALPOST_VERSION=""' '-DSEALPOST_CONFIG=""' -std=c11 -I. -isystem /usr/share/include/llhttp \
        -isystem /usr/include/postgresql {}
}

# valgrind_one PROGRAM: a unit test, or the replay of a corpus; counted as one.
valgrind_one() {
    local program=$1 log
    local -a corpus=()
    log="build/log/valgrind-$(basename "$program").txt"
    case "$program" in
    */replay_*) corpus=("tests/fuzz/corpus/${program##*/replay_}") ;;
    esac
    if SEALPOST_UNDER_VALGRIND=1 SEALPOST_WALKS=1 SEALPOST_FAULT_STEP=11 timeout 400 valgrind -q --leak-check=full --error-exitcode=9 "$program" "${corpus[@]}" >"$log" 2>&1; then
        echo "1 passed, 0 failed"
    else
        echo "$program:"
        grep -E '^==|ERROR|FAILED|Assertion' "$log" | tail -n 60
        echo "0 passed, 1 failed"
        return 1
    fi
}

valgrind_units() {
    export -f valgrind_one
    printf '%s\n' build/plain/bin/test_* build/plain/bin/replay_* | xargs -P "$(nproc)" -I{} bash -c 'valgrind_one {}'
}

# walks_long FOLDER WALKS: random walks over second factors on either engine, each time others.
walks_long() {
    local engine passed=0
    for engine in sqlite postgres; do
        if SEALPOST_TEST_ENGINE=$engine SEALPOST_WALKS=$2 "${WITH_POSTGRES[@]}" "build/$1/bin/test_domain_factor_walks"; then
            passed=$((passed + 1))
        fi
    done
    echo "$passed passed, $((2 - passed)) failed"
    [ "$passed" -eq 2 ]
}

# instructions_of PROGRAM KIND FUNCTION...: what the functions take for a kind, without the store.
instructions_of() {
    local program=$1 kind=$2
    shift 2
    timeout 120 valgrind --tool=callgrind --callgrind-out-file=/dev/null "${@/#/--toggle-collect=}" \
        "build/plain/bin/$program" "$kind" 2>&1 | sed -n 's/.*Collected : \([1-9][0-9]*\)$/\1/p'
}

# same_work KIND COUNT OTHER COUNT: whether both are more than nothing, and the same to one in a hundred.
same_work() {
    echo "$1: ${2:-0} instructions, $3: ${4:-0}"
    [ "${2:-0}" -gt 0 ] && [ $((100 * (${4:-0} - $2))) -le "$2" ] && [ $((100 * ($2 - ${4:-0}))) -le "$2" ]
}

# A lookup is the same work whoever has the handle.
lookups_alike() {
    local kind known
    local passed=0
    local -a functions=(handles_lookup on_rows)
    known=$(instructions_of test_domain_handles_alike known "${functions[@]}")
    for kind in never freed ended; do
        same_work known "$known" $kind "$(instructions_of test_domain_handles_alike $kind "${functions[@]}")" &&
            passed=$((passed + 1))
    done
    echo "$passed passed, $((3 - passed)) failed"
    [ "$passed" -eq 3 ]
}

# So is a challenge, or a wrong answer, whether there is an account or not.
factors_alike() {
    local kind
    local passed=0
    local -a functions=(factor_start_make factor_guess_judge)
    for kind in password authenticator app; do
        same_work "known $kind" "$(instructions_of test_domain_factors_alike known_$kind "${functions[@]}")" \
            "nobody's $kind" "$(instructions_of test_domain_factors_alike nobodys_$kind "${functions[@]}")" &&
            passed=$((passed + 1))
    done
    echo "$passed passed, $((3 - passed)) failed"
    [ "$passed" -eq 3 ]
}

# A few files of the end-to-end tests: those where threads meet.
e2e_sample() {
    e2e_files "$1" tests/e2e/send.test.mjs tests/e2e/stream.test.mjs
}

# Clients that mean harm, and crowds, against the build that is installed: there memory is what it is;
# what it may come to on PostgreSQL, too.
hostile() {
    local status=0
    e2e_files package --test-concurrency=1 tests/e2e/hostile/*.test.mjs || status=1
    SEALPOST_TEST_ENGINE=postgres e2e_files package --test-concurrency=1 tests/e2e/hostile/bound.test.mjs || status=1
    return $status
}

# proxies_one FOLDER PROXY...: with a prefix and without.
proxies_one() {
    local folder=$1 proxy status=0
    for proxy in "${@:2}"; do
        e2e_behind "$folder" "$proxy" /inner tests/e2e/send.test.mjs tests/e2e/stream.test.mjs \
            tests/e2e/websocket.test.mjs tests/e2e/mailbox.test.mjs || status=1
        e2e_behind "$folder" "$proxy" '' || status=1
    done
    return $status
}

# Every proxy of deploy/proxy/README.md that Debian has, two at a time: they mostly wait.
proxies() {
    local status=0
    proxies_one "$1" nginx haproxy &
    proxies_one "$1" caddy haproxy-tcp || status=1
    wait $! || status=1
    return $status
}

# Security keys in a browser, which no other step wants.
browser() {
    install_browser && e2e_files package --test-concurrency=1 tests/e2e/browser/*.test.mjs
}

# The pages and completions of build/FOLDER: groff warns of nothing, and each shell loads its own.
shells() {
    local page folder=build/$1/generated/manual
    install_shells || return 1
    for page in sealpostd.8 sealpost.1 sealpost.conf.5; do
        [ -z "$(LC_ALL=C.UTF-8 man --warnings -l "$folder/$page" 2>&1 >/dev/null)" ] ||
            { echo "groff warns of $folder/$page" && return 1; }
    done
    shellcheck -s bash "$folder/sealpost.bash" "$folder/sealpostd.bash" || return 1
    SEALPOST_SHELLS="bash zsh fish" e2e_files "$1" tests/e2e/manual.test.mjs
}

# Some seconds of every outage, with the daemon as it is installed: it must not stall.
outages() {
    SEALPOST_OUTAGE_SECONDS=8 SEALPOST_OUTAGE_STALL_MS=300 \
        e2e_files "$1" tests/e2e/postgres_outage.test.mjs tests/e2e/postgres_network.test.mjs
}

fuzz_nouns() {
    printf '%s\n' tests/fuzz/fuzz_*.c | sed 's|.*/fuzz_\(.*\)\.c|\1|'
}

build_fuzz() {
    # shellcheck disable=SC2046 # a list
    build fuzz $(fuzz_nouns | sed 's/^/fuzz_/')
}

# fuzz_one NOUN SECONDS: explore from the corpus; what is found stays below build/fuzz.
fuzz_one() {
    local noun=$1 work="build/fuzz/work/$1"
    mkdir -p "$work/corpus" "$work/found"
    if "build/fuzz/bin/fuzz_$noun" -max_total_time="$2" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$work/found/" "$work/corpus" "tests/fuzz/corpus/$noun" >"$work/log" 2>&1; then
        echo "1 passed, 0 failed"
    else
        tail -n 60 "$work/log"
        echo "0 passed, 1 failed"
        return 1
    fi
}

fuzz_all() {
    export -f fuzz_one
    fuzz_nouns | xargs -P 2 -I{} bash -c "fuzz_one {} $1"
}

# End-to-end files that run what others have run, or wait for clocks, crowds and other programs.
REPEATS='/(postgres_|two_daemons|soak|mls_scenes|libsignal|dishonest|tls|properties|list_check|crash)'

# The unit and end-to-end tests, counted together.
coverage() {
    find build/coverage -name '*.gcda' -delete
    SEALPOST_FAULT_STEP=7 unit coverage || return 1
    # shellcheck disable=SC2046 # a list
    e2e_files coverage --test-concurrency=3 $(printf '%s\n' tests/e2e/*.test.mjs | grep -vE "$REPEATS") || return 1
    e2e_files coverage tests/e2e/two_daemons.test.mjs || return 1
    gcovr --root . --filter 'server/' --filter 'common/' --object-directory build/coverage --print-summary \
        --exclude-unreachable-branches --exclude-throw-branches \
        --fail-under-line "$LINE_FLOOR" --fail-under-branch "$BRANCH_FLOOR"
}

# The unit that is made for another place names what is installed there.
check_unit_elsewhere() {
    local unit=build/elsewhere/generated/sealpostd.service
    cmake -G Ninja -S . -B build/elsewhere -DSEALPOST_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/opt/relay >/dev/null &&
        grep -q '^ExecStart=/opt/relay/sbin/sealpostd --config /etc/opt/relay/sealpost/sealpost.conf$' "$unit" &&
        grep -q '/opt/relay/sealpost/sealpost.conf"' build/elsewhere/cmake_install.cmake
}

# The units of ROOT are what systemd takes, and the service can do little harm: an exposure of 1.2 at most.
check_units() {
    local root=$1 told
    mkdir -p "$root/bin" && cp /bin/true "$root/bin/kill" || return 1
    told=$(systemd-analyze verify --man=no --recursive-errors=no --root="$root" \
        "$root"/usr/lib/systemd/system/sealpostd.{service,socket} 2>&1)
    [ -z "$told" ] || { echo "$told" && return 1; }
    systemd-analyze security --offline=true --threshold=12 "$root/usr/lib/systemd/system/sealpostd.service"
}

# The quickstart closes no folder that holds other things.
quickstart_refuses() {
    local folder
    folder=$(mktemp -d "$PWD/build/foreign.XXXXXX") || return 1
    touch "$folder/other" && chmod 0755 "$folder"
    if deploy/quickstart --demo --dir "$folder"; then return 1; fi
    [ "$(stat -c %a "$folder")" = 755 ] && rm -r "$folder"
}

# What sslscan wrote to FILE: two versions, ECDHE with AEAD alone, nothing else on.
judge_sslscan() {
    local file=$1
    ! grep -E '^(SSLv|TLSv)' "$file" | grep ' enabled' | grep -vE '^TLSv1\.[23] ' &&
        [ "$(grep -cE '^TLSv1\.[23] +enabled' "$file")" -eq 2 ] &&
        ! grep -E '^(Accepted|Preferred) ' "$file" | grep -vE ' (TLS_|ECDHE-)[A-Z0-9_-]*(GCM|CHACHA20)' &&
        [ "$(grep -cE '^(Accepted|Preferred) ' "$file")" -ge 6 ] &&
        grep -qE 'Compression disabled|does not support compression' "$file" && grep -q 'renegotiation not supported' "$file" &&
        ! grep -q ' vulnerable' <(grep -v 'not vulnerable' "$file")
}

# with_tls_daemon FOLDER WORK COMMAND ARGUMENT...: run it with the port of a daemon of build/FOLDER as its last argument;
# the daemon shows WORK's cert.pem.
with_tls_daemon() {
    local bin="$PWD/build/$1/bin" work=$2 daemon port='' status=0
    shift 2
    mkdir -m 700 "$work/data"
    "$bin/sealpostd" --set base_url=https://relay.example --set "data_dir=$work/data" --set listen= \
        --set tls_listen=127.0.0.1:0 --set "tls_cert=$work/cert.pem" --set "tls_key=$work/key.pem" \
        --set ops_listen= 2>"$work/log" &
    daemon=$!
    while [ -z "$port" ] && kill -0 "$daemon"; do
        port=$(sed -n 's/.*event=listen name=tls port=\([0-9]*\).*/\1/p' "$work/log")
    done
    "$@" "$port" || status=1
    kill "$daemon" && wait "$daemon" || status=1
    return $status
}

# A quickstart that was refused a port leaves nothing in the way of the next one.
quickstart_refused() {
    local folder=$PWD/build/quickstart-refused
    rm -rf "$folder"
    python3 - "$folder" <<'EOF' && deploy/quickstart --demo --dir "$folder"
import socket, subprocess, sys
with socket.create_server(("127.0.0.1", 0)) as taken:
    port = taken.getsockname()[1]
    words = ["deploy/quickstart", "--demo", "--dir", sys.argv[1], "--port", str(port)]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True)
sys.exit(not (done.returncode == 1 and f"port {port} is taken" in done.stderr))
EOF
}

run_sslscan() {
    sslscan --no-colour "127.0.0.1:$2" | tee "$1/found" && judge_sslscan "$1/found"
}

# What a stranger with sslscan finds on the daemon of build/FOLDER.
sslscan_daemon() {
    local work status=0
    work=$(mktemp -d) || return 1
    "$PWD/build/$1/bin/sealpost" tls self-signed --dir "$work" --name relay.example &&
        with_tls_daemon "$1" "$work" run_sslscan "$work" || status=1
    rm -rf "$work"
    return $status
}

# The folder beside the installed configuration of ROOT is closed to others and read.
check_conf_folder() {
    local conf=$1/etc/sealpost
    [ "$(stat -c %a "$conf/conf.d")" = 755 ] && echo 'name = "Ours"' >"$conf/conf.d/ours.conf" &&
        "$1/usr/sbin/sealpostd" --config "$conf/sealpost.conf" --print-config --set base_url=https://relay.example |
        grep -q "^name = \"Ours\"  # $conf/conf.d/ours.conf:1\$"
}

# What `cmake --install` puts where, and that it works from there.
check_install() {
    local root file
    root=$(mktemp -d "$PWD/build/install.XXXXXX") || return 1
    DESTDIR=$root cmake --install build/package || return 1
    for file in usr/sbin/sealpostd usr/bin/sealpost etc/sealpost/sealpost.conf \
        usr/lib/systemd/system/sealpostd.service \
        usr/lib/systemd/system/sealpostd.socket usr/share/man/man8/sealpostd.8.gz usr/share/man/man1/sealpost.1.gz \
        usr/share/man/man5/sealpost.conf.5.gz usr/share/bash-completion/completions/sealpost \
        usr/share/zsh/vendor-completions/_sealpostd usr/share/fish/vendor_completions.d/sealpost.fish; do
        [ -f "$root/$file" ] || { echo "$file was not installed" && return 1; }
    done
    "$root/usr/sbin/sealpostd" --version && "$root/usr/bin/sealpost" --version &&
        "$root/usr/sbin/sealpostd" --config "$root/etc/sealpost/sealpost.conf" --check-config \
            --set base_url=https://relay.example || return 1
    check_conf_folder "$root" || { echo "what is in conf.d of the installation is not read" && return 1; }
    cmp "$root/usr/lib/systemd/system/sealpostd.service" deploy/sealpostd.service || return 1
    check_units "$root" || { echo "the units are not as they must be" && return 1; }
    check_unit_elsewhere || { echo "the unit for another prefix names other paths" && return 1; }
    rm -rf "$root"
}

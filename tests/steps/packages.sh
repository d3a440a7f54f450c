# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Install what is missing, from Debian's packages alone.

# What the build and the unit tests want, also in the Debian 13 of trixie.sh.
UNIT_PACKAGES="build-essential file cmake ninja-build ccache pkg-config git python3 ca-certificates
    libevent-dev libssl-dev libsodium-dev libfido2-dev libsqlite3-dev libjansson-dev libconfuse-dev
    libcurl4-openssl-dev libqrencode-dev libpq-dev uthash-dev libcmocka-dev libwslay-dev sqlite3 postgresql curl"
PACKAGES="$UNIT_PACKAGES pgbouncer nginx caddy haproxy iproute2 oathtool
    clang clang-tidy clang-format libclang-rt-dev cppcheck pmccabe codespell shellcheck
    valgrind gcovr iwyu sslscan mandoc systemd mmdebstrap debian-archive-keyring"

missing_packages() {
    local there package
    there=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
    for package in $PACKAGES; do
        grep -qx "$package" <<<"$there" || printf '%s ' "$package"
    done
    grep -qx libllhttp-dev <<<"$there" || [ -e /usr/share/llhttp/llhttp.c ] || llhttp_package
    command -v node >/dev/null || printf 'nodejs '
    command -v npm >/dev/null || printf 'npm '
}

# Debian 13 has the library, Debian 12 its sources inside node-llhttp.
llhttp_package() {
    if apt-cache show libllhttp-dev >/dev/null 2>&1; then
        printf 'libllhttp-dev '
    else
        printf 'node-llhttp '
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# promtool judges /metrics.  It is taken out of its package, which would start a server.
PROMTOOL=build/tools/usr/bin/promtool

fetch_promtool() {
    local folder=build/tools
    [ -x "$PROMTOOL" ] && return 0
    mkdir -p "$folder"
    # _apt, as which apt-get fetches, may not write below a folder of somebody else.
    (cd "$folder" && apt-get -o APT::Sandbox::User=root download prometheus && dpkg-deb -x prometheus_*.deb . &&
        rm prometheus_*.deb)
}

# silence INSTALLED: tests start servers of their own; those of packages that were just installed
# shall not run, now or after a reboot.
silence() {
    local service
    for service in pgbouncer nginx caddy haproxy; do
        [[ " $1 " == *" $service "* ]] || continue
        as_root invoke-rc.d "$service" stop || true
        if command -v systemctl >/dev/null; then
            as_root systemctl disable "$service" || true
        fi
    done
}

# Chromium takes hundreds of megabytes, so that only the step which runs it installs it.
install_browser() {
    command -v chromium >/dev/null && return 0
    as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends chromium
}

# Shells beside bash, and groff's reader of manuals: for one step of tests/run slow.
install_shells() {
    command -v zsh >/dev/null && command -v fish >/dev/null && command -v man >/dev/null && return 0
    as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends zsh fish man-db groff-base
}

install_packages() {
    install_missing && { fetch_promtool || { as_root apt-get update && fetch_promtool; }; }
}

install_missing() {
    local missing
    missing=$(missing_packages)
    if [ -z "$missing" ]; then
        echo "nothing is missing"
        return 0
    fi
    echo "missing: $missing"
    as_root apt-get update || return 1
    missing=$(missing_packages) # now that the lists say which packages this release has
    # shellcheck disable=SC2086 # a list
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing || return 1
    silence "$missing"
}

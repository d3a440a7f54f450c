# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The Debian package where nothing but a Debian is: installed, upgraded, removed, purged, installed again.
# What is made of trixie.sh is used: folders, roots, commands in them.

# Packages that judge packages are installed by the step that runs them alone.
install_lintian() {
    command -v lintian >/dev/null && return 0
    as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends lintian
}

# next_version DEB OUT: the same package as a later version, to be upgraded to.
next_version() {
    local work status=0
    work=$(mktemp -d) || return 1
    dpkg-deb -R "$1" "$work" && sed -i 's/^Version: .*/&+next/' "$work/DEBIAN/control" &&
        dpkg-deb --root-owner-group -b "$work" "$2" || status=1
    rm -rf "$work"
    return $status
}

# in_root_offline FOLDER COMMAND ARGUMENT...: as in_trixie, with a network of its own: its ports are free.
in_root_offline() {
    as_root unshare --net bash tests/steps/one.sh with_loopback "$@"
}

with_loopback() {
    ip link set lo up && in_trixie "$@"
}

# Run in a root: the daemon as the unit starts it, until it says that it is ready; then a few questions, and its end.
# shellcheck disable=SC2016 # for the shell in there
RELAY_RUNS='
    set -eu
    start=$(sed -n "s/^ExecStart=//p" /usr/lib/systemd/system/sealpostd.service)
    mkfifo /tmp/lines
    runuser -u sealpost -- $start 2>/tmp/lines &
    runner=$!
    exec 3</tmp/lines
    while read -r line <&3; do
        echo "$line"
        case $line in *event=ready*) break ;; esac
    done
    cat <&3 >/dev/null &
    sealpost health http://127.0.0.1:9090
    sealpost invite create | tee /tmp/invite
    grep -q "http://127.0.0.1:8080" /tmp/invite
    kill "$(pidof sealpostd)"
    wait "$runner"
    test "$(stat -c "%a %U" /var/lib/sealpost /var/lib/sealpost/keys | sort -u)" = "700 sealpost"
    rm /tmp/lines
'

# deb_cycle BASE DEB: everything that is done with a package, in a copy of the root BASE.
deb_cycle() {
    local base=$1 deb=$2 root=$TRIXIE/deb status=0
    copy_root "$base" deb || return 1
    as_root cp "$deb" "$root/sealpost.deb" && next_version "$deb" "$TRIXIE/next.deb" &&
        as_root cp "$TRIXIE/next.deb" "$root/next.deb" && deb_steps "$root" || status=1
    as_root rm -rf "$root" "$TRIXIE/next.deb"
    return $status
}

deb_install() {
    in_trixie deb apt-get install -q -y --no-install-recommends "$1"
}

# deb_step WHAT FUNCTION: say what was to hold when it does not.
deb_step() {
    "$2" && return 0
    echo "$1"
    return 1
}

deb_works() {
    in_trixie deb apt-get update -q && deb_install /sealpost.deb && [ "$(stat -c %a "$DEB_CONF")" = 640 ] && deb_runs
}

deb_runs() {
    in_root_offline deb sh -c "$RELAY_RUNS"
}

deb_upgrades() {
    echo 'name = "Ours"' | as_root tee -a "$DEB_CONF" >/dev/null
    deb_install /next.deb && as_root grep -q '^name = "Ours"$' "$DEB_CONF" && as_root test -e "$DEB_DATA/sealpost.db" && deb_runs
}

deb_removes() {
    in_trixie deb dpkg --remove sealpost >"$DEB_OUT" && grep -q '/var/lib/sealpost is kept' "$DEB_OUT" &&
        as_root test -e "$DEB_DATA/sealpost.db" && as_root test -e "$DEB_CONF"
}

deb_purges() {
    deb_install /sealpost.deb && in_trixie deb dpkg --purge sealpost >"$DEB_OUT" &&
        grep -q 'removed /var/lib/sealpost' "$DEB_OUT" && as_root test ! -e "$DEB_DATA" && as_root test ! -e "$DEB_CONF"
}

deb_works_again() {
    deb_install /sealpost.deb && deb_runs
}

# With a configuration that is wrong the installation goes on, starts nothing and says so.
deb_says_no() {
    echo 'nonsense = 1' | as_root tee -a "$DEB_CONF" >/dev/null
    deb_install /next.deb >"$DEB_OUT" 2>&1 && grep -q 'the relay is not started' "$DEB_OUT" && grep -q nonsense "$DEB_OUT"
}

deb_steps() {
    DEB_CONF=$1/etc/sealpost/sealpost.conf DEB_DATA=$1/var/lib/sealpost DEB_OUT=$TRIXIE/deb.out
    deb_step "what was installed does not run as it is, or its configuration is open to others" deb_works &&
        deb_step "an upgrade lost the configuration or data" deb_upgrades &&
        deb_step "what is removed and not purged must stay" deb_removes &&
        deb_step "a purge left something, or did not say what it did" deb_purges &&
        deb_step "it does not run after a purge" deb_works_again &&
        deb_step "a wrong configuration was not told" deb_says_no
}

# The package of build/FOLDER, made on this machine, in a Debian of the same release.
deb_here() {
    local mirror release base=base-12
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    [ "$release" = trixie ] && base=base
    mkdir -p "$TRIXIE" && rm -f "build/$1"/sealpost_*.deb
    (cd "build/$1" && cpack -G DEB) && install_lintian &&
        lintian --fail-on error --allow-root "build/$1"/sealpost_*.deb || return 1
    mirror=$(find_mirror) && make_base "$mirror" "$release" $base && deb_cycle $base "build/$1"/sealpost_*.deb
}

# The package of what trixie_unit built.
trixie_deb() {
    in_trixie root sh -c 'cd /sealpost/build/optimised && rm -f sealpost_*.deb && cpack -G DEB' &&
        dpkg-deb -c "$TRIXIE"/root/sealpost/build/optimised/sealpost_*.deb | grep 'sealpostd.service.d/reload.conf' &&
        deb_cycle base "$TRIXIE"/root/sealpost/build/optimised/sealpost_*.deb
}

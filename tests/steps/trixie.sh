# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian 13 on a machine with another Debian.  What is made stays below build/trixie and is used again:
#
#   base      what a Debian 13 has at least, and certificates
#   base-12   the same of Debian 12, for its package
#   root      with what the build and the unit tests want
#   archives  packages that were fetched
#   ccache    what was compiled

TRIXIE=build/trixie
TRIXIE_PACKAGES="$UNIT_PACKAGES libllhttp-dev"

# Mounts and processes of its own, so that nothing of both is left, however it ends.
alone() {
    as_root unshare --mount --pid --fork --kill-child --mount-proc "$@"
}

# in_trixie FOLDER COMMAND ARGUMENT...: run it as root of build/trixie/FOLDER.
in_trixie() {
    alone bash tests/steps/one.sh enter_trixie "$@"
}

# The second half of in_trixie.  The root is mounted on itself since a test that mounts wants / to be a mount.
enter_trixie() {
    local root=$TRIXIE/$1
    local -a kept=("PATH=/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root LC_ALL=C.UTF-8 CCACHE_DIR=/var/cache/ccache
        DEBIAN_FRONTEND=noninteractive)
    shift
    mkdir -p "$TRIXIE/archives" "$TRIXIE/ccache" "$root/var/cache/ccache" &&
        mount --bind "$root" "$root" &&
        mount -t proc proc "$root/proc" &&
        mount --rbind /dev "$root/dev" &&
        mount --bind "$TRIXIE/archives" "$root/var/cache/apt/archives" &&
        mount --bind "$TRIXIE/ccache" "$root/var/cache/ccache" &&
        cp /etc/resolv.conf "$root/etc/resolv.conf" || return 1
    exec env -i "${kept[@]}" chroot "$root" "$@"
}

# The mirror that this machine takes Debian from.
debian_mirror() {
    # shellcheck disable=SC2016 # apt fills them in
    apt-get indextargets --format '$(CODENAME) $(REPO_URI)' \
        'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' |
        awk '$1 !~ /-/ { print $2; exit }'
}

find_mirror() {
    local mirror
    mirror=$(debian_mirror)
    if [ -z "$mirror" ]; then
        as_root apt-get update >&2
        mirror=$(debian_mirror)
    fi
    if [ -z "$mirror" ]; then
        echo "apt of this machine names no mirror of Debian, so Debian 13 cannot be fetched" >&2
        return 1
    fi
    echo "$mirror"
}

# What this machine's apt was told of the way to its mirror holds for the same mirror's Debian 13.
apt_options() {
    echo 'Acquire::Languages "none";'
    apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-)'
}

# is_made FOLDER FROM: it is there whole, and was made from the same.
is_made() {
    [ -d "$TRIXIE/$1" ] && [ "$(cat "$TRIXIE/$1.made" 2>/dev/null)" = "$2" ]
}

# make_base MIRROR RELEASE FOLDER
make_base() {
    local mirror=$1 release=$2 folder=$3 options=$TRIXIE/apt.conf
    is_made "$folder" "$mirror" && return 0
    if ! command -v mmdebstrap >/dev/null; then
        echo "mmdebstrap is missing, so a Debian cannot be made: apt-get install mmdebstrap"
        return 1
    fi
    rm -f "$TRIXIE/$folder.made"
    as_root rm -rf "${TRIXIE:?}/$folder"
    apt_options >"$options"
    if ! alone mmdebstrap --mode=root --variant=minbase --include=ca-certificates --aptopt="$options" \
        --dpkgopt=force-unsafe-io "$release" "$TRIXIE/$folder" "deb $mirror $release main"; then
        echo "Debian's $release could not be fetched from this machine's mirror, or debian-archive-keyring does not know its keys"
        return 1
    fi
    echo "$mirror" >"$TRIXIE/$folder.made"
}

# copy_root FROM TO
copy_root() {
    as_root rm -rf "$TRIXIE/$2" && as_root cp -a "$TRIXIE/$1" "$TRIXIE/$2"
}

# The root with everything, unless it is there.
trixie_root() {
    local mirror from
    mkdir -p "$TRIXIE"
    mirror=$(find_mirror) && make_base "$mirror" trixie base || return 1
    from="$mirror $TRIXIE_PACKAGES"
    is_made root "$from" && return 0
    rm -f "$TRIXIE/root.made"
    # shellcheck disable=SC2086 # a list
    copy_root base root && in_trixie root apt-get update -q &&
        in_trixie root apt-get install -q -y --no-install-recommends $TRIXIE_PACKAGES || return 1
    echo "$from" >"$TRIXIE/root.made"
}

# Debian 13 has every package that tests/run installs.
trixie_packages() {
    # shellcheck disable=SC2086 # a list
    in_trixie root apt-get install -q -y --simulate --no-install-recommends $PACKAGES libllhttp-dev nodejs npm
}

# copy_sources FOLDER: the files of the repository, to its /sealpost.
copy_sources() {
    as_root rm -rf "$TRIXIE/$1/sealpost" && as_root mkdir "$TRIXIE/$1/sealpost" &&
        git ls-files -z | tar --null -T - -cf - | as_root tar -C "$TRIXIE/$1/sealpost" --no-same-owner -xf -
}

# Without those that run on PostgreSQL, too: what is the engine's is in store/.
trixie_unit() {
    copy_sources root &&
        in_trixie root sh -c 'cd /sealpost && mkdir -p build/log && bash tests/steps/one.sh build optimised &&
            SEALPOST_FAULT_STEP=7 bash tests/steps/one.sh unit optimised -E ^postgres/'
}

# The first command of README.md, where nothing that it needs is installed.
trixie_quickstart() {
    local status=0
    copy_root base new && copy_sources new || return 1
    in_trixie new /sealpost/deploy/quickstart --demo || status=1
    as_root rm -rf "$TRIXIE/new"
    return $status
}

# An authority in FOLDER and, signed by it, the pair of a relay that cares: testssl grades both.
make_authority() {
    local folder=$1
    local -a new=(-newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes)
    (cd "$folder" &&
        printf '%s\n' subjectAltName=DNS:relay.example basicConstraints=critical,CA:FALSE \
            keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth >leaf.ext &&
        openssl req -x509 "${new[@]}" -keyout authority.key -out authority.pem -days 30 -subj /CN=Authority \
            -addext keyUsage=critical,keyCertSign,cRLSign &&
        openssl req "${new[@]}" -keyout key.pem -out leaf.csr -subj /CN=relay.example &&
        openssl x509 -req -in leaf.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 30 -sha384 \
            -extfile leaf.ext -out cert.pem &&
        chmod 600 key.pem)
}

# What testssl wrote to FILE: a grade of 95 points or more that nothing capped.
judge_testssl() {
    local points
    points=$(sed -n 's/^ *Final Score  *\([0-9]*\).*/\1/p' "$1")
    [ "${points:-0}" -ge 95 ] && grep -qE '^ *Overall Grade  *A\+? *$' "$1" && ! grep -qi 'grade cap' "$1" &&
        ! grep -E 'VULNERABLE|NOT ok' "$1" | grep -v 'neither CRL nor OCSP URI provided'
}

run_testssl() {
    local work=$1 port=$2
    in_trixie testssl env TERM=dumb testssl --color 0 --quiet --warnings off --nodns none --ip 127.0.0.1 \
        --add-ca /authority.pem -p -s -f -P -S -h -U "relay.example:$port" | tee "$work/found" &&
        judge_testssl "$work/found"
}

# How testssl of Debian 13 grades the daemon of build/FOLDER.
trixie_testssl() {
    local work status=0
    work=$(mktemp -d) || return 1
    copy_root base testssl && in_trixie testssl apt-get update -q &&
        in_trixie testssl apt-get install -q -y --no-install-recommends testssl.sh dnsutils procps &&
        make_authority "$work" && as_root cp "$work/authority.pem" "$TRIXIE/testssl/authority.pem" &&
        with_tls_daemon "$1" "$work" run_testssl "$work" || status=1
    as_root rm -rf "$TRIXIE/testssl"
    rm -rf "$work"
    return $status
}

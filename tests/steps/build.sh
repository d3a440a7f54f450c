# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The builds: each in a folder of its own below build/.

# What was compiled in one folder serves in every other.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# configure FOLDER OPTION...
configure() {
    local folder=$1
    shift
    cmake -G Ninja -S . -B "build/$folder" -DCMAKE_C_COMPILER_LAUNCHER=ccache "$@"
}

# What each folder is built with.
configure_named() {
    case "$1" in
    asan) configure asan -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug -DSEALPOST_SANITIZE=address,undefined ;;
    clang) configure clang -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug ;;
    plain) configure plain -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug ;;
    optimised) configure optimised -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_SYSCONFDIR=/etc ;;
    tsan) configure tsan -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug -DSEALPOST_SANITIZE=thread ;;
    coverage) configure coverage -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug -DSEALPOST_COVERAGE=ON ;;
    fuzz) configure fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DSEALPOST_FUZZ=ON \
        -DSEALPOST_SANITIZE=address,undefined -DCMAKE_C_FLAGS=-fsanitize=fuzzer-no-link ;;
    package) configure package -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Release -DSEALPOST_TESTS=OFF \
        -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_SYSCONFDIR=/etc ;;
    *) echo "no build is called $1" && return 1 ;;
    esac
}

# build FOLDER TARGET...
build() {
    local folder=$1
    shift
    configure_named "$folder" && ninja -C "build/$folder" "$@"
}

sources() {
    git ls-files --cached --others --exclude-standard -- 'common/*.[ch]' 'server/*.[ch]' 'tests/*.[ch]'
}

c_sources() {
    sources | grep '\.c$'
}

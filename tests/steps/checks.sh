# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What can be said of the sources without running them.

# Every version of clang-format lays out differently; ours is 14, Debian 12's.
CLANG_MAJOR=14

# tool_of_our_version NAME: print how it is called here.
tool_of_our_version() {
    if command -v "$1-$CLANG_MAJOR"; then
        return 0
    fi
    "$1" --version | grep -q "version $CLANG_MAJOR\." && command -v "$1"
}

check_format() {
    local tool
    if ! tool=$(tool_of_our_version clang-format); then
        echo "left out: clang-format $CLANG_MAJOR is not in this release"
        return 0
    fi
    sources | xargs "$tool" --dry-run -Werror
}

check_rooms() {
    python3 tests/check_rooms.py
}

check_sizes() {
    python3 tests/check_sizes.py
}

# No mark of work left over, and no path of one machine.
check_left_over() {
    ! git grep -nIE '\b(TODO|FIXME|XXX|HACK)\b' -- common server migrations deploy tests \
        ':!tests/steps/checks.sh' ':!tests/e2e/package-lock.json' &&
        ! git grep -nIF "$PWD" --
}

# cppcheck_room CHECKS FOLDER.  Left out: variableScope, since owners are declared at the top; and three that
# this version gets wrong (values that arrive through a pointer); clang-tidy has their better twins.
cppcheck_room() {
    mkdir -p "build/cppcheck/$2"
    c_sources | grep "^$2/" | xargs cppcheck -q -j "$(nproc)" --cppcheck-build-dir="build/cppcheck/$2" \
        --enable="$1" --std=c11 --library=posix --inline-suppr --error-exitcode=1 \
        --suppress=missingIncludeSystem --suppress=variableScope --suppress=ctuuninitvar \
        --suppress=unreadVariable --suppress=knownConditionTrueFalse
}

check_cppcheck() {
    cppcheck_room warning,style,performance,portability common &&
        cppcheck_room warning,style,performance,portability server &&
        cppcheck_room warning,performance,portability tests
}

# Files that this branch changed: against where it left the main branch, else the last commit.
changed_sources() {
    local base
    base=$(git merge-base HEAD origin/main 2>/dev/null)
    if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then
        base=$(git rev-parse -q --verify HEAD~1 || git hash-object -t tree /dev/null)
    fi
    { git diff --name-only "$base" && git ls-files --others --exclude-standard; } |
        sort -u | while read -r file; do
        case "$file" in
        common/*.c | server/*.c | tests/*.c) [ -e "$file" ] && echo "$file" ;;
        esac
    done
    return 0
}

# One file; what passed once is not looked at again until it, a header or the rules change.
tidy_one() {
    local tool=$1 file=$2 key
    key=$({ "$tool" --version && cat .clang-tidy "$file" && clang -E -P -D_GNU_SOURCE -I. -Ibuild/clang/generated \
        "-DSEALPOST_VERSION=\"\"" "-DSEALPOST_CONFIG=\"\"" -isystem /usr/share/include/llhttp "-DTESTS_DIR=\"\"" "-DBIN_DIR=\"\"" "$file" 2>/dev/null; } | sha256sum | cut -c1-64)
    [ -e "build/tidy/$key" ] && return 0
    "$tool" -p build/clang --quiet "$file" 2>/dev/null && : >"build/tidy/$key"
}

# check_tidy changed|product|all; the product: what is not a test
check_tidy() {
    local tool
    if ! tool=$(tool_of_our_version clang-tidy); then
        echo "left out: clang-tidy $CLANG_MAJOR is not in this release"
        return 0
    fi
    mkdir -p build/tidy
    configure_named clang >/dev/null || return 1
    export -f tidy_one
    case "$1" in
    changed) changed_sources ;;
    product) c_sources | grep -v '^tests/' ;;
    all) c_sources ;;
    esac |
        xargs -r -P "$(nproc)" -I{} bash -c "tidy_one $tool {}"
}

# Right in German, in code, or wrong on purpose in a test.
NO_SLIPS="keypair,nane,ser,ist,fo,nam,messag,boddy,upto,get's"

check_spelling() {
    git ls-files --cached --others --exclude-standard -- ':!LICENSE' ':!*package-lock.json' ':!tests/vectors' \
        ':!tests/fuzz/corpus' | xargs codespell --ignore-words-list="$NO_SLIPS"
}

# Every script by its first line.
check_shell() {
    { git grep --untracked -lIE '^#!.*(ba)?sh$' -- && ls tests/steps/*.sh; } | sort -u | xargs shellcheck -x
}

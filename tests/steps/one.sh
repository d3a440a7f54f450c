#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run one step: a function of these files, with its arguments.
set -u -o pipefail
# shellcheck source=tests/steps/packages.sh
. tests/steps/packages.sh
# shellcheck source=tests/steps/build.sh
. tests/steps/build.sh
# shellcheck source=tests/steps/checks.sh
. tests/steps/checks.sh
# shellcheck source=tests/steps/suites.sh
. tests/steps/suites.sh
# shellcheck source=tests/steps/slow.sh
. tests/steps/slow.sh
# shellcheck source=tests/steps/trixie.sh
. tests/steps/trixie.sh
# shellcheck source=tests/steps/deb.sh
. tests/steps/deb.sh
"$@"

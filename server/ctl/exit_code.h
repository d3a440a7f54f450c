/* SPDX-License-Identifier: Apache-2.0 */
/* How the sealpost program ends; shown by --help. */
#pragma once

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_REFUSED = 1,    /* the relay was reached and refused */
    EXIT_CODE_USAGE = 2,      /* the command line is wrong */
    EXIT_CODE_NETWORK = 3,    /* the relay was not reached, or broke off */
    EXIT_CODE_UNVERIFIED = 4, /* what the relay showed is not what its devices signed */
    EXIT_CODE_LOCAL = 5,      /* a file or folder of this machine */
};

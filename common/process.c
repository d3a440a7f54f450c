/* SPDX-License-Identifier: Apache-2.0 */
#include "common/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void process_forbid_core_files(void)
{
    static const struct rlimit none = { 0, 0 };

    (void)setrlimit(RLIMIT_CORE, &none); /* lowering it cannot fail */
}

void process_forbid_dumps(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* 0 is always a good value */
}

void process_keep_secrets(void)
{
    process_forbid_core_files();
#if !defined(__SANITIZE_ADDRESS__) && !defined(SEALPOST_SANITIZED)
    process_forbid_dumps();
#endif
}

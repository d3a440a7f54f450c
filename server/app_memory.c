/* SPDX-License-Identifier: Apache-2.0 */
#include "server/app_memory.h"

#include <inttypes.h>
#include <stdbool.h>

#include "common/buf.h"
#include "common/limits.h"
#include "server/app_private.h"
#include "server/config/config.h"
#include "server/config/storage.h"
#include "server/domain/limits.h"

/* Bytes; what was measured is rounded up. */
enum {
    CONNECTION_BYTES = 4096, /* with a stream, its window, its mailbox and an address of its own */
    REQUESTS_BYTES = 8192,   /* what a stream's requests under way take beside their batches */
    TLS_BYTES = 50000,       /* 14,300, and both buffers of a record while the peer sends half */
    HANDSHAKE_BYTES = 50000, /* 44,000 */
    REQUESTS_TIMES = 3,      /* twice when they are small, and copies of what is in them */
    OUTPUT_TURN_BYTES = 33554432, /* what one turn may add before it is known who takes */
    QUEUE_TIMES = 3,              /* twice before requests are refused, and rows that come back */
    MAILBOX_BYTES = 448,
    SESSION_BYTES = 288,
    ACCOUNT_BYTES = 256,
    ACCOUNT_DEVICE_BYTES = 48,
    DEDUP_BYTES = 48, /* 32 at most, and the smaller table while it is copied into a larger one */
    SQLITE_WRITER_BYTES = 50331648, /* 16 MiB of pages, a group's answers, the checkpointer */
    SQLITE_READER_BYTES = 25165824, /* 2 MiB of pages, the largest answer, those that wait */
    POSTGRES_CONN_BYTES = 33554432, /* the largest answer, as libpq has it and as we have it */
    PROCESS_BYTES = 25165824,
    HEAP_PART = 4,
    MIB = 1048576
};

static int64_t connections_of(const struct config *config)
{
    int64_t tls = config->tls_listen[0] != '\0' ? TLS_BYTES : 0;

    return config->max_connections * (CONNECTION_BYTES + tls);
}

static int64_t requests_of(const struct config *config)
{
    return config->request_bodies_max * REQUESTS_TIMES + config->max_connections * REQUESTS_BYTES;
}

static int64_t accounts_bytes(void)
{
    int64_t account = ACCOUNT_BYTES + INT64_C(1) * LIMIT_MANIFEST_DEVICES * ACCOUNT_DEVICE_BYTES;

    return APP_ACCOUNTS_CACHED * account;
}

static int64_t store_of(const struct config *config)
{
    if (storage_is_postgres(config->storage)) { /* one writes and one listens */
        return (config->postgres_pool + 2) * POSTGRES_CONN_BYTES;
    }
    return SQLITE_WRITER_BYTES + config->sqlite_readers * SQLITE_READER_BYTES;
}

struct app_memory app_memory_of(const struct config *config)
{
    bool has_tls = config->tls_listen[0] != '\0';
    struct app_memory memory = {
        .connections = connections_of(config),
        .handshakes = has_tls ? config->tls_handshakes_max * HANDSHAKE_BYTES : 0,
        .requests = requests_of(config),
        .output = config->output_total_max + OUTPUT_TURN_BYTES,
        .queue = config->store_queue_bytes * QUEUE_TIMES,
        .mailboxes = config->mailbox_cache_max * MAILBOX_BYTES,
        .ids = config->dedup_max * DEDUP_BYTES,
        .sessions = (int64_t)APP_SESSIONS_CACHED * SESSION_BYTES,
        .accounts = accounts_bytes(),
        .rates = limits_bytes(),
        .store = store_of(config),
    };

    memory.process = app_memory_total(&memory) / HEAP_PART + PROCESS_BYTES;
    return memory;
}

int64_t app_memory_total(const struct app_memory *memory)
{
    return memory->connections + memory->handshakes + memory->requests + memory->output +
           memory->queue + memory->mailboxes + memory->ids + memory->sessions + memory->accounts +
           memory->rates + memory->store + memory->process;
}

static int64_t mib(int64_t bytes)
{
    return (bytes + MIB - 1) / MIB;
}

void app_memory_append(struct buf *out, const struct app_memory *memory)
{
    buf_append_format(out, "memory at most %" PRId64 " MiB: ", mib(app_memory_total(memory)));
    buf_append_format(out, "connections %" PRId64 ", ", mib(memory->connections));
    buf_append_format(out, "handshakes %" PRId64 ", ", mib(memory->handshakes));
    buf_append_format(out, "requests %" PRId64 ", ", mib(memory->requests));
    buf_append_format(out, "output %" PRId64 ", ", mib(memory->output));
    buf_append_format(out, "queue %" PRId64 ", ", mib(memory->queue));
    buf_append_format(out, "mailboxes %" PRId64 ", ", mib(memory->mailboxes));
    buf_append_format(out, "ids %" PRId64 ", ", mib(memory->ids));
    buf_append_format(out, "sessions %" PRId64 ", ", mib(memory->sessions));
    buf_append_format(out, "accounts %" PRId64 ", ", mib(memory->accounts));
    buf_append_format(out, "rates %" PRId64 ", ", mib(memory->rates));
    buf_append_format(out, "store %" PRId64 ", ", mib(memory->store));
    buf_append_format(out, "process and heap %" PRId64, mib(memory->process));
}

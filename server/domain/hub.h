/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hub knows which mailbox has a stream on this daemon, and carries to it announcements of
 * committed mail, events, and its end.  It holds no mail.  Announce, then pull: the listener keeps
 * its own cursor; the hub only tells it the last announced seq, so a pull that returns empty knows
 * whether it has caught up.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/account_log.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"

struct hub_stream;

enum hub_end {
    HUB_END_SESSION = 0, /* its session ended: 4401 */
    HUB_END_REVOKED,     /* its device left the account, or the account was erased: 4403 */
    HUB_END_REPLACED,    /* a newer stream of the same device: 4409 */
};

enum hub_event_kind {
    HUB_EVENT_MANIFEST_CHANGED = 0, /* epoch and hash */
    HUB_EVENT_DEVICE_IDLE,          /* device_id has not been seen for days */
    HUB_EVENT_KEYS_LOW,             /* count keys are left in slot */
    HUB_EVENT_LAST_RESORT_USED,     /* slot's, count times since first_use_day */
    HUB_EVENT_MANIFEST_HELD,        /* device_id's epoch and hash are held until held_until */
    HUB_EVENT_MANIFEST_DROPPED,     /* and will not come */
    HUB_EVENT_ERASURE_HELD,    /* the erasure that device_id ordered is held until held_until */
    HUB_EVENT_ERASURE_DROPPED, /* and will not come */
    HUB_EVENT_CODE,            /* code is to be shown */
    HUB_EVENT_FACTOR,          /* factor_event of a factor of factor_kind */
    HUB_EVENT_RECOVERY,        /* recovery_event of recovery_id */
    HUB_EVENT_LINK,            /* what link says */
};

struct hub_link {
    enum account_log_event event;
    struct link_id link_id;
    uint32_t device_id; /* whose step it was; 0: nobody's */
    int64_t expires_at; /* this and name: when it was requested; Unix seconds */
    struct bytes name;
};

struct hub_event {
    enum hub_event_kind kind;
    uint64_t epoch;
    struct manifest_hash hash;
    uint32_t device_id;
    int64_t days;
    int64_t held_until; /* Unix seconds */
    const char *slot;   /* static */
    int64_t count;
    int64_t first_use_day;
    const struct shown_code *code; /* this and link: borrowed for the call */
    enum account_log_event factor_event;
    enum factor_kind factor_kind;
    enum txn_purpose purpose; /* of what a factor was shown for; else 0 */
    enum account_log_event recovery_event;
    struct recovery_id recovery_id;
    int64_t expires_at; /* Unix seconds; of a request, which waits until held_until */
    const struct hub_link *link;
};

/* A committed item, or one that is passed on without being stored (seq 0). */
struct hub_mail {
    int64_t seq;
    struct envelope_id id;
    int64_t minute;
    bool urgent;
    bool online_only;
    bool is_gap;       /* nothing to send from memory: pull it */
    int64_t before;    /* the seq given before it in its mailbox; 0: the one announced before */
    struct bytes body; /* as delivered; borrowed for the call */
};

enum {
    HUB_WAITING_MAX = 256
};

/* All seqs up to up_to that still wait in a mailbox, ascending. */
struct hub_waiting {
    int64_t up_to;
    size_t count;
    int64_t seqs[HUB_WAITING_MAX];
};

struct hub_listener {
    /* Mail for it was committed; it may send it at once or pull later. */
    void (*on_mail)(void *arg, const struct hub_mail *mail);
    /* Say whether an online_only envelope would be sent at once. */
    bool (*is_caught_up)(void *arg);
    void (*on_event)(void *arg, const struct hub_event *event);
    /* Items were acknowledged by another way: count seqs, or all up to up_to when count is 0. */
    void (*on_acknowledged)(void *arg, const int64_t *seqs, size_t count, int64_t up_to);
    /* Items were acknowledged elsewhere: what it sent up to waiting->up_to and is not there, was. */
    void (*on_waiting)(void *arg, const struct hub_waiting *waiting);
    /* The stream must end; hub_leave is called by the listener, now or later. */
    void (*on_end)(void *arg, enum hub_end reason);
};

struct hub *hub_create(const uint8_t key[16]);
void hub_destroy(struct hub *hub);

/* Enter a stream for mailbox pub of session token_hash; an older one of it is ended. */
struct hub_stream *hub_join(struct hub *hub, const struct device_pub *pub,
                            const uint8_t token_hash[32], const struct hub_listener *listener,
                            void *arg);

/* Take the stream out.  It hears nothing after this. */
void hub_leave(struct hub *hub, struct hub_stream *stream);

/* Announce a committed item to a mailbox's stream, if it has one; or that one may be there. */
void hub_announce(struct hub *hub, const struct device_pub *pub, const struct hub_mail *mail);
void hub_wake(struct hub *hub, const struct device_pub *pub);

/* The last seq announced since the stream joined, 0 when none was; how often it was woken. */
int64_t hub_announced(const struct hub_stream *stream);
uint64_t hub_woken(const struct hub_stream *stream);

/* Pass an online_only envelope on; false when no caught-up stream with room is there. */
bool hub_pass(struct hub *hub, const struct device_pub *pub, const struct hub_mail *mail);

/* Tell the mailbox's stream, if it has one, an event. */
void hub_tell(struct hub *hub, const struct device_pub *pub, const struct hub_event *event);

/* Tell the mailbox's stream what was acknowledged over HTTP, so that its window opens. */
void hub_acknowledge(struct hub *hub, const struct device_pub *pub, const int64_t *seqs,
                     size_t count, int64_t up_to);

/* Tell it what still waits, after another daemon acknowledged some of it. */
void hub_tell_waiting(struct hub *hub, const struct device_pub *pub,
                      const struct hub_waiting *waiting);

/* End the stream of a mailbox, or only when it runs on the session token_hash. */
void hub_end_device(struct hub *hub, const struct device_pub *pub, enum hub_end reason);
void hub_end_session(struct hub *hub, const uint8_t token_hash[32]);

/* Whether a mailbox has a stream; number of streams; call fn for every listener's arg (draining). */
bool hub_has_stream(const struct hub *hub, const struct device_pub *pub);
size_t hub_count(const struct hub *hub);
void hub_each(struct hub *hub, void (*fn)(void *arg, void *listener_arg), void *arg);

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/crowd.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/mem.h"
#include "common/network.h"
#include "common/random.h"
#include "common/table.h"
#include "server/net/peer.h"

struct crowd_member {
    struct table_node node;
    size_t count;
    bool spared;
    char name[NETWORK_NAME_BYTES];
};

struct crowd {
    size_t max;
    struct table members;
};

struct crowd *crowd_create(size_t max)
{
    struct crowd *crowd = mem_zeroed(1, sizeof *crowd);
    uint8_t key[CRYPTO_SIPHASH_KEY_BYTES];

    random_fill(key, sizeof key);
    crowd->max = max;
    table_init(&crowd->members, key);
    return crowd;
}

void crowd_destroy(struct crowd *crowd)
{
    free(crowd);
}

static struct crowd_member *member_add(struct crowd *crowd, const char *name)
{
    struct crowd_member *member = mem_zeroed(1, sizeof *member);

    (void)snprintf(member->name, sizeof member->name, "%s", name);
    table_add(&crowd->members, &member->node, member, bytes_text(member->name));
    return member;
}

bool crowd_enter(struct crowd *crowd, const struct peer_origin *origin,
                 struct crowd_member **out_member)
{
    char name[NETWORK_NAME_BYTES] = { 0 };

    *out_member = NULL;
    if (origin->is_unix) {
        return true;
    }
    network_name(&origin->address, name);
    return crowd_enter_name(crowd, name, out_member);
}

bool crowd_enter_name(struct crowd *crowd, const char *name, struct crowd_member **out_member)
{
    struct crowd_member *member = NULL;

    *out_member = NULL;
    if (crowd->max == 0) {
        return true;
    }
    member = table_find(&crowd->members, bytes_text(name));
    if (member == NULL) {
        member = member_add(crowd, name);
    } else if (member->count >= crowd->max && !member->spared) {
        return false;
    }
    member->count++;
    *out_member = member;
    return true;
}

void crowd_leave(struct crowd *crowd, struct crowd_member *member)
{
    if (member == NULL) {
        return;
    }
    member->count--;
    if (member->count == 0) {
        table_remove(&crowd->members, &member->node);
        free(member);
    }
}

void crowd_spare(struct crowd *crowd, const struct peer_origin *origin)
{
    char name[NETWORK_NAME_BYTES] = { 0 };
    struct crowd_member *member = NULL;

    if (!origin->is_unix) {
        network_name(&origin->address, name);
        member = table_find(&crowd->members, bytes_text(name));
    }
    if (member != NULL) {
        member->spared = true;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of a soak run that were sent and are not answered, with their frames, which
 * are sent again when a stream ends.  A ring: a number's place is the number modulo its size.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

struct soak_flight {
    int64_t number; /* -1: the place is free */
    struct buf frame;
};

struct soak_flights {
    struct soak_flight *at;
    int64_t size;
    int64_t oldest; /* the lowest number that is not answered */
    int64_t next;   /* the number that will be put next */
};

void soak_flights_init(struct soak_flights *flights, int64_t size);
void soak_flights_clear(struct soak_flights *flights);

/* Say whether the next number has no place yet. */
bool soak_flights_full(const struct soak_flights *flights);

/* Give the next number its place; returns its empty frame, to be filled. */
struct buf *soak_flights_put(struct soak_flights *flights);

/* The frame of a number that is not answered; NULL when it is, or was never put. */
const struct buf *soak_flights_frame(const struct soak_flights *flights, int64_t number);

/* Note that number is answered; false when it was not waiting. */
bool soak_flights_take(struct soak_flights *flights, int64_t number);

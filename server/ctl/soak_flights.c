/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/soak_flights.h"

#include <stdlib.h>

#include "common/check.h"
#include "common/mem.h"

void soak_flights_init(struct soak_flights *flights, int64_t size)
{
    *flights = (struct soak_flights){ .size = size };
    flights->at = mem_zeroed((size_t)size, sizeof *flights->at);
    for (int64_t i = 0; i < size; i++) {
        flights->at[i].number = -1;
    }
}

void soak_flights_clear(struct soak_flights *flights)
{
    for (int64_t i = 0; i < flights->size; i++) {
        buf_clear(&flights->at[i].frame);
    }
    free(flights->at);
    *flights = (struct soak_flights){ .size = 0 };
}

bool soak_flights_full(const struct soak_flights *flights)
{
    return flights->next - flights->oldest >= flights->size;
}

struct buf *soak_flights_put(struct soak_flights *flights)
{
    struct soak_flight *flight = &flights->at[flights->next % flights->size];

    CHECK(flight->number == -1);
    flight->number = flights->next++;
    buf_empty(&flight->frame);
    return &flight->frame;
}

const struct buf *soak_flights_frame(const struct soak_flights *flights, int64_t number)
{
    const struct soak_flight *flight = &flights->at[number % flights->size];

    return flight->number == number ? &flight->frame : NULL;
}

bool soak_flights_take(struct soak_flights *flights, int64_t number)
{
    struct soak_flight *flight = &flights->at[number % flights->size];

    if (flight->number != number) {
        return false;
    }
    flight->number = -1;
    while (flights->oldest < flights->next &&
           soak_flights_frame(flights, flights->oldest) == NULL) {
        flights->oldest++;
    }
    return true;
}

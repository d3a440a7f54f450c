/* SPDX-License-Identifier: Apache-2.0 */
/* Items of a mailbox and hub events as JSON text.  Loop thread. */
#pragma once

#include "common/buf.h"
#include "server/domain/hub.h"
#include "server/domain/mail.h"

/* Append an item as GET /v1/mailbox lists it. */
void mail_json_item(struct buf *out, const struct mail_item *item);

/* Append a gap as the stream's event, or any other event. */
void mail_json_gap_event(struct buf *out, const struct mail_item *item);
void mail_json_event(struct buf *out, const struct hub_event *event);

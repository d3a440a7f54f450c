/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of "sealpost device", each in the file of its subject; see command.c. */
#pragma once

#include "server/ctl/exit_code.h"

struct arguments;
struct device;

/* device_register.c */
enum exit_code device_register_init(const struct arguments *arguments);
enum exit_code device_register_run(const struct arguments *arguments);
enum exit_code device_register_session(const struct arguments *arguments);

/* Open the device in the folder, or make it there when there is none. */
enum exit_code device_register_open(const struct arguments *arguments, struct device *device);

/* device_link.c, device_approve.c */
enum exit_code device_link_run(const struct arguments *arguments);
enum exit_code device_approve_run(const struct arguments *arguments);
enum exit_code device_approve_deny(const struct arguments *arguments);
enum exit_code device_approve_list(const struct arguments *arguments);

/* device_manifest.c, device_draft.c */
enum exit_code device_manifest_show(const struct arguments *arguments);
enum exit_code device_manifest_verify(const struct arguments *arguments);
enum exit_code device_draft_entry(const struct arguments *arguments);
enum exit_code device_draft_add(const struct arguments *arguments);
enum exit_code device_draft_remove(const struct arguments *arguments);
enum exit_code device_draft_sign(const struct arguments *arguments);
enum exit_code device_draft_put(const struct arguments *arguments);

/* device_holds.c */
enum exit_code device_holds_show(const struct arguments *arguments);
enum exit_code device_holds_veto(const struct arguments *arguments);

/* device_send.c, device_receive.c, device_follow.c */
enum exit_code device_send_run(const struct arguments *arguments);
enum exit_code device_receive_run(const struct arguments *arguments);
enum exit_code device_receive_ack(const struct arguments *arguments);

/* device_publish.c, device_keys.c, device_claim.c */
enum exit_code device_publish_run(const struct arguments *arguments);
enum exit_code device_keys_run(const struct arguments *arguments);
enum exit_code device_claim_run(const struct arguments *arguments);

/* device_handle.c */
enum exit_code device_handle_set(const struct arguments *arguments);
enum exit_code device_handle_release(const struct arguments *arguments);
enum exit_code device_handle_lookup(const struct arguments *arguments);

/* device_account.c */
enum exit_code device_account_report(const struct arguments *arguments);
enum exit_code device_account_erase(const struct arguments *arguments);
enum exit_code device_account_revoke(const struct arguments *arguments);

/* soak.c */
enum exit_code soak_run(const struct arguments *arguments);

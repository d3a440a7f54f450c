/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of "sealpost device", each in the file of its subject; see command.c. */
#pragma once

#include <stdbool.h>

#include "server/ctl/exit_code.h"

struct arguments;
struct device;

/* device_register.c */
enum exit_code device_register_init(const struct arguments *arguments);
enum exit_code device_register_run(const struct arguments *arguments);
enum exit_code device_register_session(const struct arguments *arguments);

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

/* device_recover.c, device_recovery.c, device_contact.c, device_contact_help.c */
enum exit_code device_recover_key(const struct arguments *arguments);
enum exit_code device_recover_run(const struct arguments *arguments);
enum exit_code device_recovery_ask(const struct arguments *arguments);
enum exit_code device_recovery_meet(const struct arguments *arguments);
enum exit_code device_recovery_finish(const struct arguments *arguments);
enum exit_code device_recovery_show(const struct arguments *arguments);
enum exit_code device_recovery_cancel(const struct arguments *arguments);
enum exit_code device_contact_add(const struct arguments *arguments);
enum exit_code device_contact_list(const struct arguments *arguments);
enum exit_code device_contact_remove(const struct arguments *arguments);
enum exit_code device_contact_help(const struct arguments *arguments);

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

/* device_factors.c */
enum exit_code device_factors_list(const struct arguments *arguments);
enum exit_code device_factors_code(const struct arguments *arguments);
enum exit_code device_factors_log(const struct arguments *arguments);
enum exit_code device_factors_remove(const struct arguments *arguments);

/* Say whether text is a factor's id; false with the reason said. */
bool device_factors_is_id(const char *text);

/* device_factors_add.c */
enum exit_code device_factors_add_totp(const struct arguments *arguments);
enum exit_code device_factors_add_recovery_codes(const struct arguments *arguments);
enum exit_code device_factors_confirm(const struct arguments *arguments);

/* device_factors_password.c */
enum exit_code device_factors_add_password(const struct arguments *arguments);

/* device_account.c */
enum exit_code device_account_report(const struct arguments *arguments);
enum exit_code device_account_erase(const struct arguments *arguments);
enum exit_code device_account_revoke(const struct arguments *arguments);

/* soak.c */
enum exit_code soak_run(const struct arguments *arguments);

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/command.h"

#include <string.h>

#include "server/ctl/admin.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/health.h"
#include "server/ctl/tls_self_signed.h"

#define BIT(option) (UINT64_C(1) << (option))
#define ADMIN (BIT(OPTION_SOCKET) | BIT(OPTION_JSON))
#define DEVICE BIT(OPTION_DIR)
#define FACTOR (BIT(OPTION_CODE) | BIT(OPTION_KIND))
#define STEPUP (DEVICE | FACTOR)
#define NEW_DEVICE (DEVICE | BIT(OPTION_URL) | BIT(OPTION_NAME) | BIT(OPTION_CA))

const struct option_row option_table[OPTION_OPTIONS] = {
    [OPTION_JSON] = { "--json", NULL, "Print JSON" },
    [OPTION_SOCKET] = { "--socket", "PATH",
                        "The relay's admin socket; else SEALPOST_ADMIN_SOCKET, else "
                        "/var/lib/sealpost/admin.sock" },
    [OPTION_DIR] = { "--dir", "FOLDER",
                     "The device's folder; else SEALPOST_DEVICE_DIR, else ~/.sealpost. For tls "
                     "self-signed: where to write; else here" },
    [OPTION_URL] = { "--url", "URL", "The relay's base URL, as you were given it" },
    [OPTION_CA] = { "--ca", "FILE", "Trust these certificates instead of the system's" },
    [OPTION_INVITE] = { "--invite", "INVITE", "The invite, or the whole address with it" },
    [OPTION_NAME] = { "--name", "NAME",
                      "A name for the device, shown to others when it is linked. For tls "
                      "self-signed: "
                      "the relay's host. For device factors add: a name that only this device "
                      "shows" },
    [OPTION_DAYS] = { "--days", "N", "How many days it is good; 30" },
    [OPTION_RECOVERY] = { "--recovery", "FILE",
                          "The file of the recovery key; register makes it, keep it elsewhere" },
    [OPTION_USES] = { "--uses", "N", "How many accounts may be made with it; 1" },
    [OPTION_EXPIRES] = { "--expires", "TIME", "How long it is good, such as 12h; 7d" },
    [OPTION_NOTE] = { "--note", "TEXT", "A note for yourself" },
    [OPTION_STREAM] = { "--stream", NULL, "Over the stream instead of HTTP" },
    [OPTION_FOLLOW] = { "--follow", NULL, "Stay connected and print mail as it comes" },
    [OPTION_FILE] = { "--file", "FILE", "Send the content of a file" },
    [OPTION_TTL] = { "--ttl", "TIME", "How long it may wait, 10s to 30d; 30d" },
    [OPTION_URGENT] = { "--urgent", NULL, "Wake the recipient" },
    [OPTION_ONLINE_ONLY] = { "--online-only", NULL, "Only to connected devices; never stored" },
    [OPTION_ADMIN] = { "--admin", NULL, "Let the new device change the list too" },
    [OPTION_ID] = { "--id", "N", "Its number, 1 to 127; the lowest free one" },
    [OPTION_AFTER] = { "--after", "N", "Go on where the last list ended" },
    [OPTION_LIMIT] = { "--limit", "N", "At most this many, up to 1000" },
    [OPTION_COUNT] = { "--count", "N",
                       "Messages; 1000. For device publish: one-time keys to be there, up to 100; "
                       "100" },
    [OPTION_RATE] = { "--rate", "N", "Messages a second; as fast as they are answered" },
    [OPTION_IN_FLIGHT] = { "--in-flight", "N", "Unanswered messages at once, up to 256; 64" },
    [OPTION_SIZE] = { "--size", "BYTES", "Bytes of content; 100" },
    [OPTION_YES] = { "--yes", NULL, "Yes, I am sure" },
    [OPTION_KYBER] = { "--kyber", "FILE",
                       "JSON with Kyber1024 public keys that another program made, by slot" },
    [OPTION_REPLACE] = { "--replace", NULL,
                         "Let these keys, or codes, take the place of those that are there" },
    [OPTION_DEVICE] = { "--device", "N", "Only the device with this number, 1 to 127" },
    [OPTION_REMOVE] = { "--remove", "FACTOR",
                        "Remove this factor; the account's devices are told, and its log has it" },
    [OPTION_CODE] = { "--code", "CODE",
                      "Six digits of your authenticator app, should the relay want a second "
                      "factor; else you are asked" },
    [OPTION_KIND] = { "--kind", "KIND",
                      "The second factor to show, should the relay want one: totp, password, "
                      "recovery_code, code" },
    [OPTION_ASCII] = { "--ascii", NULL, "Draw the QR code with plain characters" },
    [OPTION_SLOT] = { "--slot", "N", "The contact's slot, 1 to 5; the first free one" },
    [OPTION_ACCOUNT] = { "--account", "ACCOUNT",
                         "The account to be added to, by its id or a name of it: its devices are "
                         "asked. By its id, no other one is taken" },
    [OPTION_DIGITS] = { "--digits", NULL, "Show six digits, for where no camera reads a QR code" },
};

const struct command command_table[] = {
    { "invite create", "", 0, 0, ADMIN | BIT(OPTION_USES) | BIT(OPTION_EXPIRES) | BIT(OPTION_NOTE),
      "Make an invite and print its address", admin_invite_create },
    { "invite list", "", 0, 0, ADMIN, "List the invites that are still good", admin_invite_list },
    { "invite revoke", "ID", 1, 1, ADMIN, "Take an invite back", admin_invite_revoke },
    { "account list", "", 0, 0, ADMIN | BIT(OPTION_AFTER) | BIT(OPTION_LIMIT), "List the accounts",
      admin_account_list },
    { "account show", "ACCOUNT", 1, 1, ADMIN, "Show everything held on an account",
      admin_account_show },
    { "account erase", "ACCOUNT", 1, 1, ADMIN | BIT(OPTION_YES), "Erase an account for good",
      admin_account_erase },
    { "account factors", "ACCOUNT", 1, 1, ADMIN | BIT(OPTION_REMOVE),
      "List the second factors of an account: kinds and dates; or remove one that was lost",
      admin_account_factors },
    { "keys stats", "ACCOUNT", 1, 1, ADMIN,
      "Show how many public keys each device has left, by slot", admin_keys_stats },
    { "keyring list", "", 0, 0, ADMIN, "List the relay's keys, and how many values each one seals",
      admin_keyring_list },
    { "keyring rotate", "PURPOSE", 1, 1, ADMIN,
      "Make a new key of a purpose and use it from now on; seal anew what is sealed",
      admin_keyring_rotate },
    { "keyring retire", "PURPOSE ID", 2, 2, ADMIN | BIT(OPTION_YES),
      "Delete a key that nothing needs any more", admin_keyring_retire },
    { "queue", "[ACCOUNT]", 0, 1, ADMIN, "Show how much mail is waiting", admin_queue },
    { "stats", "", 0, 0, ADMIN, "Show the relay's counters", admin_stats },
    { "db restored", "", 0, 0, ADMIN | BIT(OPTION_YES),
      "Tell the relay that an older state of this machine was put back, keys and all",
      admin_db_restored },
    { "tls self-signed", "", 0, 0, BIT(OPTION_DIR) | BIT(OPTION_NAME) | BIT(OPTION_DAYS),
      "Make a certificate of one's own for trying out; say how the relay is to use it",
      tls_self_signed_run },
    { "health", "[URL]", 0, 1, BIT(OPTION_CA),
      "Ask the operations listener whether the relay is ready", health_run },
    { "device register", "", 0, 0,
      NEW_DEVICE | BIT(OPTION_INVITE) | BIT(OPTION_RECOVERY) | BIT(OPTION_JSON),
      "Make a device and a new account for it; print the account's id", device_register_run },
    { "device init", "", 0, 0, NEW_DEVICE | BIT(OPTION_INVITE),
      "Make a device that another one is to add; print its key", device_register_init },
    { "device link", "", 0, 0,
      NEW_DEVICE | FACTOR | BIT(OPTION_INVITE) | BIT(OPTION_ACCOUNT) | BIT(OPTION_DIGITS) |
          BIT(OPTION_ASCII) | BIT(OPTION_JSON),
      "Make a device and have one of your account's add it: by a QR code, or six digits",
      device_link_run },
    { "device approve", "LINK", 1, 1,
      DEVICE | BIT(OPTION_ADMIN) | BIT(OPTION_ID) | BIT(OPTION_JSON),
      "Add a new device to your account, by the text of its QR code or by its link and six digits",
      device_approve_run },
    { "device deny", "LINK", 1, 1, DEVICE, "Refuse a new device", device_approve_deny },
    { "device links", "", 0, 0, DEVICE | BIT(OPTION_JSON),
      "List the new devices that ask to be added to your account", device_approve_list },
    { "device session", "", 0, 0, DEVICE | BIT(OPTION_JSON), "Begin a new session",
      device_register_session },
    { "device entry", "", 0, 0, DEVICE, "Print this device's entry, for another one to add",
      device_draft_entry },
    { "device manifest show", "[ACCOUNT]", 0, 1, DEVICE | BIT(OPTION_JSON),
      "Verify and show the devices of an account; your own", device_manifest_show },
    { "device manifest add", "FILE", 1, 1, DEVICE | BIT(OPTION_ADMIN) | BIT(OPTION_ID),
      "Draft the list with the device of an entry added; print it", device_draft_add },
    { "device manifest sign", "FILE", 1, 1, DEVICE | BIT(OPTION_RECOVERY),
      "Sign a draft too; print it", device_draft_sign },
    { "device manifest put", "FILE", 1, 1, DEVICE, "Make a draft the account's list",
      device_draft_put },
    { "device manifest remove", "DEVICE", 1, 1, DEVICE, "Remove a device from your account",
      device_draft_remove },
    { "device holds", "", 0, 0, DEVICE | BIT(OPTION_JSON),
      "Show what admin devices of your account want against another one, and until when it waits",
      device_holds_show },
    { "device veto", "DEVICE", 1, 1, DEVICE, "Veto what an admin device wants, while it is held",
      device_holds_veto },
    { "device recovery-key", "", 0, 0, DEVICE | BIT(OPTION_RECOVERY) | BIT(OPTION_JSON),
      "Make a recovery key for your account and show it once; the one that stands is asked for",
      device_recover_key },
    { "device recover", "WHO", 1, 1, NEW_DEVICE | BIT(OPTION_RECOVERY) | BIT(OPTION_JSON),
      "Make a device the only one of an account, by id or handle, with its recovery key",
      device_recover_run },
    { "device recovery ask", "WHO", 1, 1,
      NEW_DEVICE | FACTOR | BIT(OPTION_REPLACE) | BIT(OPTION_JSON),
      "Begin to recover an account, by id or handle, with a recovery contact",
      device_recovery_ask },
    { "device recovery meet", "", 0, 0, DEVICE,
      "Show the digits to tell your recovery contact, and wait for its share",
      device_recovery_meet },
    { "device recovery finish", "", 0, 0, DEVICE | BIT(OPTION_JSON),
      "Make the device the only one of the account that was asked for, when the wait is over",
      device_recovery_finish },
    { "device recovery show", "", 0, 0, DEVICE | BIT(OPTION_JSON),
      "Show who asked to recover your account", device_recovery_show },
    { "device recovery cancel", "ID", 1, 1, DEVICE, "Cancel a recovery of your account",
      device_recovery_cancel },
    { "device contact add", "ACCOUNT", 1, 1, STEPUP | BIT(OPTION_SLOT) | BIT(OPTION_RECOVERY),
      "Have somebody as a recovery contact; your recovery key is asked for", device_contact_add },
    { "device contact list", "", 0, 0, DEVICE | BIT(OPTION_JSON), "List your recovery contacts",
      device_contact_list },
    { "device contact remove", "SLOT", 1, 1, STEPUP, "Have one recovery contact less",
      device_contact_remove },
    { "device contact help", "ID ACCOUNT", 2, 2, DEVICE,
      "Help somebody to recover an account, while you speak with them", device_contact_help },
    { "device accounts verify", "ACCOUNT", 1, 1, DEVICE | BIT(OPTION_JSON),
      "Verify every step of an account's device list", device_manifest_verify },
    { "device send", "ACCOUNT [TEXT|-]", 1, 2,
      DEVICE | BIT(OPTION_FILE) | BIT(OPTION_TTL) | BIT(OPTION_URGENT) | BIT(OPTION_ONLINE_ONLY) |
          BIT(OPTION_STREAM) | BIT(OPTION_JSON),
      "Encrypt to every verified device of an account and send", device_send_run },
    { "device receive", "", 0, 0,
      DEVICE | BIT(OPTION_FOLLOW) | BIT(OPTION_LIMIT) | BIT(OPTION_JSON),
      "Print the mail that is waiting and acknowledge it", device_receive_run },
    { "device ack", "SEQ...", 1, 16, DEVICE, "Acknowledge mail by its numbers",
      device_receive_ack },
    { "device publish", "", 0, 0,
      DEVICE | BIT(OPTION_COUNT) | BIT(OPTION_KYBER) | BIT(OPTION_REPLACE) | BIT(OPTION_JSON),
      "Put public keys into the relay's directory, for whoever writes first", device_publish_run },
    { "device keys", "", 0, 0, DEVICE | BIT(OPTION_JSON),
      "Show how many of this device's keys are left, and whether they are its own",
      device_keys_run },
    { "device claim", "ACCOUNT", 1, 1, DEVICE | BIT(OPTION_DEVICE) | BIT(OPTION_JSON),
      "Take keys of an account's devices from the directory; verify and show them",
      device_claim_run },
    { "device handle set", "NAME", 1, 1, DEVICE, "Have a name under which your account is found",
      device_handle_set },
    { "device handle release", "NAME", 1, 1, STEPUP, "Give up a name of your account",
      device_handle_release },
    { "device handle lookup", "NAME", 1, 1, DEVICE | BIT(OPTION_JSON),
      "Find and verify whose account a name is; print its id", device_handle_lookup },
    { "device factors", "", 0, 0, DEVICE | BIT(OPTION_JSON),
      "List the second factors of your account; a security key (WebAuthn) wants a browser, which "
      "has to enrol and show it",
      device_factors_list },
    { "device factors add totp", "", 0, 0,
      STEPUP | BIT(OPTION_NAME) | BIT(OPTION_ASCII) | BIT(OPTION_JSON),
      "Enrol an authenticator app: show its secret as a QR code, and ask for its first code",
      device_factors_add_totp },
    { "device factors add recovery-codes", "", 0, 0,
      STEPUP | BIT(OPTION_NAME) | BIT(OPTION_REPLACE) | BIT(OPTION_JSON),
      "Have ten recovery codes, to be written down; they are shown once",
      device_factors_add_recovery_codes },
    { "device factors add password", "", 0, 0, STEPUP | BIT(OPTION_NAME) | BIT(OPTION_JSON),
      "Set a password, which the relay never sees; it takes the place of the one that was",
      device_factors_add_password },
    { "device factors confirm", "FACTOR", 1, 1, DEVICE | BIT(OPTION_JSON),
      "Ask for the first code of an authenticator app that is not confirmed yet",
      device_factors_confirm },
    { "device factors remove", "FACTOR", 1, 1, STEPUP | BIT(OPTION_JSON),
      "Remove a second factor; one that is enrolled has to be shown", device_factors_remove },
    { "device factors code", "", 0, 0, DEVICE | BIT(OPTION_JSON),
      "Show the six digits that somebody else is asked for, perhaps you on another device",
      device_factors_code },
    { "device factors log", "", 0, 0, DEVICE | BIT(OPTION_AFTER) | BIT(OPTION_JSON),
      "Show what has happened to the second factors of your account", device_factors_log },
    { "device report", "", 0, 0, DEVICE, "Print everything the relay holds on your account",
      device_account_report },
    { "device revoke-sessions", "", 0, 0, DEVICE, "End every session but this one",
      device_account_revoke },
    { "device erase", "", 0, 0, STEPUP | BIT(OPTION_YES), "Erase your account for good",
      device_account_erase },
    { "device soak", "", 0, 0,
      DEVICE | BIT(OPTION_URL) | BIT(OPTION_CA) | BIT(OPTION_INVITE) | BIT(OPTION_SOCKET) |
          BIT(OPTION_COUNT) | BIT(OPTION_RATE) | BIT(OPTION_IN_FLIGHT) | BIT(OPTION_SIZE) |
          BIT(OPTION_JSON),
      "Verify that numbered messages between two devices of its own arrive once, in order",
      soak_run },
};

const size_t command_count = sizeof command_table / sizeof command_table[0];

/* How many words of text stand first in words; 0 when not all of them do. */
static size_t words_match(const char *text, const char *const *words, size_t count)
{
    size_t used = 0;

    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        if (used == count || strlen(words[used]) != size || memcmp(words[used], text, size) != 0) {
            return 0;
        }
        used++;
        text += size;
        text += *text == ' ' ? 1 : 0;
    }
    return used;
}

const struct command *command_find(const char *const *words, size_t count, size_t *out_used)
{
    const struct command *found = NULL;

    *out_used = 0;
    for (size_t i = 0; i < command_count; i++) {
        size_t used = words_match(command_table[i].words, words, count);
        if (used > *out_used) {
            *out_used = used;
            found = &command_table[i];
        }
    }
    return found;
}

bool command_takes(const struct command *command, enum option option)
{
    return (command->options & BIT(option)) != 0;
}

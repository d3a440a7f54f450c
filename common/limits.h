/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every fixed limit of the protocol, with its unit and what happens beyond.
 * What an operator may change is an option instead: server/config/options.def.
 */
#pragma once

enum {
    /* HTTP request heads (protocol.md section 1). */
    LIMIT_HEAD_BYTES = 16384,  /* request line and fields together: 431 */
    LIMIT_HEAD_FIELDS = 64,    /* header fields: 431 */
    LIMIT_TARGET_BYTES = 8192, /* request target: 414 */

    /* Request bodies. */
    LIMIT_BODY_SMALL_BYTES = 65536,    /* ordinary JSON calls: 413 */
    LIMIT_BODY_MANIFEST_BYTES = 98304, /* a manifest of 64 KiB as base64url: 413 */
    LIMIT_BODY_SEND_BYTES = 1572864,   /* 1 MiB decoded as base64url in JSON: 413 */
    LIMIT_BODY_KEYS_BYTES = 1572864,   /* an upload of keys: 413 */
    LIMIT_JSON_DEPTH = 16,             /* nesting of arrays and objects: 400 malformed */

    /* Manifests (common/manifest.h). */
    LIMIT_MANIFEST_BYTES = 65536,
    LIMIT_MANIFEST_DEVICES = 32,
    LIMIT_DEVICE_KEYS = 8,
    LIMIT_PRIVATE_KEY_BYTES = 2048, /* a private-use key in a manifest */
    LIMIT_DEVICE_ID = 127,
    LIMIT_MANIFESTS_PAGE = 64, /* manifests in one GET /v1/accounts answer */

    /* Envelopes (protocol.md section 4). */
    LIMIT_ENVELOPE_BYTES = 98304,      /* one delivered body: 413 */
    LIMIT_SEND_RECIPIENTS = 1000,      /* recipients in one send: 422 */
    LIMIT_SEND_WIRE_BYTES = 1048576,   /* one send, decoded: 413, or close 1009 */
    LIMIT_SEND_STORED_BYTES = 8388608, /* sum of delivered bodies of one send: 413 */
    LIMIT_TTL_MIN_S = 10,
    LIMIT_TTL_MAX_S = 2592000,  /* 30 days, also the default */
    LIMIT_TTL_SHORT_S = 3600,   /* below this, expiry is rounded to 10 s instead of a minute */
    LIMIT_GUARD_MIN_BYTES = 32, /* the plaintext guard looks at bodies from here on */
    LIMIT_DEDUP_MS = 600000,    /* a repeat within ten minutes is one copy */

    /* Key objects and what MLS makes of them (protocol.md section 3). */
    LIMIT_KEY_OBJECT_BYTES = 16384, /* one public key with all around it: 422 */
    LIMIT_MLS_LIST_ITEMS = 256,     /* numbers in one list of capabilities: 422 */
    LIMIT_MLS_EXTENSIONS = 64,      /* extensions in one list: 422 */
    LIMIT_MLS_CERTIFICATES = 16,    /* certificates in one credential: 422 */
    LIMIT_WELCOME_MEMBERS = 1000,   /* members that one Welcome is for: 422 */
    LIMIT_GROUP_ID_BYTES = 255,     /* group_id of a commit that is ordered: 422 */
    LIMIT_REFERENCE_DAYS = 90,      /* so long a Welcome finds the device of a KeyPackage */

    /* The directory of public keys (protocol.md section 3). */
    LIMIT_KEYS_PER_CALL = 100,  /* keys that a call brings to a slot: 422 */
    LIMIT_KEYS_STORED = 256,    /* keys for single use held in a slot: 409; deleted by id: 422 */
    LIMIT_KEYS_LOW = 20,        /* their owner is told when fewer are left */
    LIMIT_KEYPACKAGE_DAYS = 90, /* a KeyPackage is kept no longer, whatever it says */
    LIMIT_KEYS_OVER_S = 60,     /* what is over is deleted so much later: no claim has it in hand */
    LIMIT_SPENT_KEYS_DAYS = 90, /* a key that was handed out is known this long */
    LIMIT_STATIC_KEY_DAYS = 30, /* then its owner is advised to make another */
    LIMIT_LAST_RESORT_DAYS = 7, /* the same, from its first use on */
    LIMIT_KEYS_GENERATION_BITS = 20, /* a restored database raises generations by 2^20 */

    /* Mailbox reads and acks. */
    LIMIT_PULL_ITEMS = 1000,
    LIMIT_PULL_ITEMS_DEFAULT = 100,
    LIMIT_PULL_BYTES = 1048576,
    LIMIT_ACK_SEQS = 1000,

    /* The stream (protocol.md section 5). */
    LIMIT_STREAM_MESSAGE_BYTES = 1048576, /* one message from a client: close 1009 */
    LIMIT_STREAM_WINDOW_ITEMS = 64,       /* unacknowledged items a stream */
    LIMIT_STREAM_WINDOW_BYTES = 1048576,  /* unacknowledged bytes a stream */
    LIMIT_STREAM_REQUESTS = 256,          /* unanswered requests a stream */
    LIMIT_STREAM_PING_S = 45,

    /* Sessions (security.md A). */
    LIMIT_CHALLENGE_S = 60,
    LIMIT_SESSION_S = 86400,
    LIMIT_SESSION_WARN_S = 600, /* session.expiring comes this long before the end */
    LIMIT_COMMAND_AHEAD_MS = 86400000,
    LIMIT_AUDIENCE_BYTES = 255, /* its length is one byte in signed strings */

    /* Second factors (protocol.md section 6). */
    LIMIT_TXN_S = 600,           /* a transaction and its challenges: 404 */
    LIMIT_TXN_CHALLENGES = 5,    /* challenges of a transaction: 404 */
    LIMIT_CHALLENGE_GUESSES = 5, /* guesses at a challenge: 404 */
    LIMIT_GUESS_BYTES = 96,      /* text of an answer, spaces and all: 422 */
    LIMIT_GUESSES_DAY = 10,      /* wrong guesses at an account in 24 hours: 429 */
    LIMIT_GUESS_DAY_S = 86400,
    LIMIT_GUESSES_MONTH = 30, /* wrong guesses at an account in 30 days: 429 */
    LIMIT_GUESS_MONTH_S = 2592000,
    LIMIT_CODES_HOUR = 3, /* codes that devices are shown in an hour: 429 */
    LIMIT_PASSWORDS = 10, /* KE1 of an account, right or wrong, in LIMIT_PASSWORDS_S: 429 */
    LIMIT_PASSWORDS_S = 900,
    LIMIT_PASSWORD_S = 60,          /* from KE1 to KE3: 404 */
    LIMIT_WEBAUTHN_HOUR = 20,       /* challenges of an account's authenticators in an hour: 429 */
    LIMIT_WEBAUTHN_S = 300,         /* a challenge of an authenticator: 404 */
    LIMIT_HOUR_S = 3600,            /* challenges are kept so long, to be counted */
    LIMIT_GRANT_S = 300,            /* a grant that was not used: 403 */
    LIMIT_FACTORS = 5,              /* factors of one kind, pending ones among them: 409 */
    LIMIT_FACTOR_LABEL_BYTES = 256, /* of ciphertext: 422 */
    LIMIT_FACTOR_PENDING_S = 3600,  /* a factor that no code confirmed is forgotten */
    LIMIT_ACCOUNT_LOG_DAYS = 90,    /* what happened to factors is kept */

    /* Steps of the sequence numbers (protocol.md section 4). */
    LIMIT_SEQ_START_BITS = 28,   /* each start raises every next seq by 2^28 */
    LIMIT_SEQ_RESTORE_BITS = 32, /* a restored database raises it by 2^32 */
};

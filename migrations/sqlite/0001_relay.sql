-- The whole relay of version 1.  Days are Unix days, instants Unix seconds.
-- Times about people are kept by the day; no address and no sender is kept at all.

-- One row: what the relay knows of itself.
CREATE TABLE relay (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    heartbeat INTEGER NOT NULL,   -- raised every minute, a copy is in the key directory
    generation INTEGER NOT NULL,  -- raised when an older database was put back
    seq_floor INTEGER NOT NULL,   -- every seq given from now on is above this
    changes INTEGER NOT NULL DEFAULT 0, -- number of the last row of changes
    created_day INTEGER NOT NULL
);

CREATE TABLE accounts (
    account INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BLOB NOT NULL UNIQUE,
    epoch INTEGER NOT NULL,
    head_hash BLOB NOT NULL,
    created_day INTEGER NOT NULL,
    seen_day INTEGER NOT NULL
);

-- Every manifest of an account since epoch 0, as it was signed.
CREATE TABLE manifests (
    account INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    hash BLOB NOT NULL,
    signed BLOB NOT NULL
);
CREATE UNIQUE INDEX manifests_chain ON manifests (account, epoch);

-- The devices of the head manifests; a row is also the mailbox.
CREATE TABLE devices (
    mailbox INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    device_id INTEGER NOT NULL,
    added_epoch INTEGER NOT NULL,
    flags INTEGER NOT NULL,        -- as in the manifest: 1 ADMIN, 2 DEHYDRATED
    device_pub BLOB NOT NULL UNIQUE,
    command_seq INTEGER NOT NULL,  -- the last signed command's seq
    seen_day INTEGER NOT NULL,
    idle_state INTEGER NOT NULL,   -- 0 live, 1 others were told, 2 mailbox closed
    -- Kept where several daemons share the database; on SQLite these stay as they are.
    next_seq INTEGER NOT NULL DEFAULT 0,      -- the last seq given in this mailbox
    waiting INTEGER NOT NULL DEFAULT 0,       -- envelopes that wait, and the bytes of their
    waiting_bytes INTEGER NOT NULL DEFAULT 0, -- bodies, as the caps count them
    refusing INTEGER NOT NULL DEFAULT 0,      -- 1: was full, reopens at 75 %
    stream_of INTEGER NOT NULL DEFAULT 0      -- names the newest stream of the device; 0: none yet
);
CREATE UNIQUE INDEX devices_of_account ON devices (account, device_id);

-- Keyed hashes of device keys that left an account, so that they cannot come back.
CREATE TABLE left_devices (
    key_hash BLOB PRIMARY KEY,
    account INTEGER NOT NULL       -- 0 once the account is erased
);
CREATE INDEX left_devices_of_account ON left_devices (account);

-- Keyed hashes of erased accounts, so that they stay erased.
CREATE TABLE erased_accounts (
    account_hash BLOB PRIMARY KEY,
    erased_day INTEGER NOT NULL
);

CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,   -- SHA-256 of the token
    mailbox INTEGER NOT NULL,
    account INTEGER NOT NULL,
    device_id INTEGER NOT NULL,
    added_epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX sessions_of_account ON sessions (account, device_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE used_challenges (
    rand BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL
);
CREATE INDEX used_challenges_expiry ON used_challenges (expires_at);

CREATE TABLE invites (
    invite_hash BLOB PRIMARY KEY,  -- SHA-256 of the invite
    uses_left INTEGER NOT NULL,
    uses_total INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    note TEXT NOT NULL,            -- the operator's own words
    created_day INTEGER NOT NULL
);

-- What waits for devices.  kind 0: an envelope, kind 1: a gap.
CREATE TABLE envelopes (
    seq INTEGER PRIMARY KEY,
    mailbox INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    flags INTEGER NOT NULL,        -- 1 urgent; 2 a gap that was shown
    minute INTEGER NOT NULL,       -- Unix minutes
    expires_at INTEGER NOT NULL,   -- rounded up
    own_ttl INTEGER NOT NULL,      -- 0: the longest life, so these expire in order of seq
    tag INTEGER NOT NULL,          -- keyed fingerprint of the body, for repeats
    id BLOB NOT NULL,              -- the sender's id; empty for a gap
    body BLOB NOT NULL             -- format byte 0 or 2, the bytes as received, BLAKE2b-128
);
CREATE INDEX envelopes_of_mailbox ON envelopes (mailbox);
CREATE INDEX envelopes_expiry ON envelopes (expires_at) WHERE own_ttl = 1;

-- What daemons that share the database must hear from each other and is no mail; for an hour.
CREATE TABLE changes (
    change INTEGER PRIMARY KEY,
    daemon INTEGER NOT NULL,       -- names the life of the daemon that did it
    kind INTEGER NOT NULL,
    account INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    details BLOB NOT NULL          -- by kind: server/domain/changes.c
);

-- The directory: public keys that devices leave for whoever writes to them first.
-- A key that is handed out once is deleted as it is handed out; its hash stays a while.
CREATE TABLE keys (
    number INTEGER PRIMARY KEY,    -- in order of upload
    mailbox INTEGER NOT NULL,
    slot TEXT NOT NULL,
    kind INTEGER NOT NULL,         -- 0 handed out once, 1 last resort, 2 static
    generation INTEGER NOT NULL,   -- the relay's when it was uploaded
    expires_at INTEGER NOT NULL,   -- 0: never
    made_day INTEGER NOT NULL,
    uses INTEGER NOT NULL,         -- how often a last resort was handed out,
    first_use_day INTEGER NOT NULL, -- and since when
    flags INTEGER NOT NULL,        -- 1: nothing in it could be verified
    id BLOB NOT NULL,              -- u32, or the reference
    key_hash BLOB NOT NULL,        -- SHA-256
    signature BLOB NOT NULL,       -- empty: none
    key BLOB NOT NULL
);
CREATE UNIQUE INDEX keys_by_id ON keys (mailbox, slot, id);
CREATE INDEX keys_stock ON keys (mailbox, kind, slot, generation, number, expires_at);
CREATE INDEX keys_expiry ON keys (expires_at) WHERE expires_at > 0;

-- What was ever uploaded to a slot; stays when the keys are used up.
CREATE TABLE key_pools (
    mailbox INTEGER NOT NULL,
    slot TEXT NOT NULL,
    generation INTEGER NOT NULL,   -- raised when the keys are replaced
    low INTEGER NOT NULL,          -- 1: few are left, and the owner knows
    PRIMARY KEY (mailbox, slot)
);

-- Hashes of keys that were handed out, so that a repeated upload does not bring them back.
CREATE TABLE spent_keys (
    mailbox INTEGER NOT NULL,
    key_hash BLOB NOT NULL,
    day INTEGER NOT NULL,
    PRIMARY KEY (mailbox, key_hash)
);
CREATE INDEX spent_keys_day ON spent_keys (day);

-- Signal's number of an installation; NULL: none was given.
ALTER TABLE devices ADD COLUMN registration_id INTEGER;

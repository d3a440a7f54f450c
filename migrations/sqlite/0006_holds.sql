-- What an account's devices may still veto before it is done: epochs that take ADMIN from another
-- device, and the erasure of an account that has another ADMIN.  All are orders upon the head that
-- stands: a new head ends them.
CREATE TABLE holds (
    account INTEGER NOT NULL,
    kind INTEGER NOT NULL,         -- 0 an epoch, 1 the erasure of the account
    signer INTEGER NOT NULL,       -- number of the ADMIN device that ordered it: one of each kind
    epoch INTEGER NOT NULL,        -- of the manifest; 0 for an erasure
    hash BLOB NOT NULL,            -- of the manifest; empty for an erasure
    signed BLOB NOT NULL,          -- the manifest as it was signed; empty for an erasure
    removes BLOB NOT NULL,         -- 128 bytes: 1 at the number of each device that it removes
    made_ms INTEGER NOT NULL,
    held_until INTEGER NOT NULL,   -- Unix seconds
    generation INTEGER NOT NULL,   -- the relay's when it was made; after a restore it begins anew
    PRIMARY KEY (account, kind, signer)
);
CREATE INDEX holds_due ON holds (held_until);

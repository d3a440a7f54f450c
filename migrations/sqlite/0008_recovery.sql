-- Recovery contacts: the relay's share of an account's recovery seed, a slot for each contact.
-- Who the contact is stands nowhere.
CREATE TABLE recovery_contacts (
    contact_id BLOB PRIMARY KEY, -- SHA-256 of account id and slot
    account INTEGER NOT NULL,
    slot INTEGER NOT NULL,       -- 1 to 5
    share BLOB NOT NULL,         -- sealed
    label BLOB NOT NULL,         -- encrypted by the client
    created_at INTEGER NOT NULL, -- the hour, in Unix seconds
    UNIQUE (account, slot)
);

-- Somebody asks for such a share, to recover an account.
CREATE TABLE recoveries (
    recovery_id BLOB PRIMARY KEY, -- random
    token_hash BLOB NOT NULL,     -- SHA-256 of who asks' token
    subject INTEGER NOT NULL,     -- as of txns
    account INTEGER NOT NULL,     -- 0: a decoy
    state INTEGER NOT NULL,       -- 0 open, 1 cancelled, 2 released, 3 done
    public_key BLOB NOT NULL,     -- of who asks, for this alone
    exchange INTEGER NOT NULL,    -- of digits; 0: none yet
    commitment BLOB,              -- of the exchange; then what the two sides show each other
    contact_random BLOB,
    random BLOB,
    contact INTEGER NOT NULL,     -- the mailbox of the device that helps, while it is open; 0: none
    slot INTEGER NOT NULL,        -- 0: none
    packet BLOB,                  -- sealed to public_key
    created_at INTEGER NOT NULL,
    wait_until INTEGER NOT NULL,  -- nothing is released before; Unix seconds
    expires_at INTEGER NOT NULL,
    generation INTEGER NOT NULL   -- the relay's; after a restore the wait begins anew
);
CREATE INDEX recoveries_of_subject ON recoveries (subject, created_at);
CREATE INDEX recoveries_of_account ON recoveries (account) WHERE account > 0;
CREATE INDEX recoveries_age ON recoveries (expires_at);

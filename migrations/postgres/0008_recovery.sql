-- Recovery contacts: the relay's share of an account's recovery seed, a slot for each contact.
-- Who the contact is stands nowhere.
CREATE TABLE recovery_contacts (
    contact_id BYTEA PRIMARY KEY, -- SHA-256 of account id and slot
    account BIGINT NOT NULL,
    slot BIGINT NOT NULL,       -- 1 to 5
    share BYTEA NOT NULL,       -- sealed
    label BYTEA NOT NULL,       -- encrypted by the client
    created_at BIGINT NOT NULL, -- the hour, in Unix seconds
    UNIQUE (account, slot)
);

-- Somebody asks for such a share, to recover an account.
CREATE TABLE recoveries (
    recovery_id BYTEA PRIMARY KEY, -- random
    token_hash BYTEA NOT NULL,     -- SHA-256 of who asks' token
    subject BIGINT NOT NULL,       -- as of txns
    account BIGINT NOT NULL,       -- 0: a decoy
    state BIGINT NOT NULL,         -- 0 open, 1 cancelled, 2 released, 3 done
    public_key BYTEA NOT NULL,     -- of who asks, for this alone
    exchange BIGINT NOT NULL,      -- of digits; 0: none yet
    commitment BYTEA,              -- of the exchange; then what the two sides show each other
    contact_random BYTEA,
    random BYTEA,
    contact BIGINT NOT NULL,       -- the mailbox of the device that helps, while it is open; 0: none
    slot BIGINT NOT NULL,          -- 0: none
    packet BYTEA,                  -- sealed to public_key
    created_at BIGINT NOT NULL,
    wait_until BIGINT NOT NULL,    -- nothing is released before; Unix seconds
    expires_at BIGINT NOT NULL,
    generation BIGINT NOT NULL     -- the relay's; after a restore the wait begins anew
);
CREATE INDEX recoveries_of_subject ON recoveries (subject, created_at);
CREATE INDEX recoveries_of_account ON recoveries (account) WHERE account > 0;
CREATE INDEX recoveries_age ON recoveries (expires_at);

-- Links: somebody wants to add a device to an account.
CREATE TABLE links (
    link_id BYTEA PRIMARY KEY,     -- random
    token_hash BYTEA NOT NULL,     -- SHA-256 of what the new device acts by
    subject BIGINT NOT NULL,      -- whom it asks: as in txns; 0: nobody, a QR code carries it
    account BIGINT NOT NULL,      -- 0: not known yet, or a decoy
    state BIGINT NOT NULL,       -- 0 created, 1 claimed, 2 candidate, 3 signed, 4 done, 5 expired, 6 denied
    version BIGINT NOT NULL,      -- rises by one with each change
    entry BYTEA NOT NULL,          -- what the new device decides of itself
    name TEXT,                    -- what it calls itself
    device_id BIGINT NOT NULL,   -- this and the next two: of the device that claimed it; 0: none
    mailbox BIGINT NOT NULL,
    device_pub BYTEA,
    candidate BYTEA,               -- the next manifest, as that device signed it
    expires_at BIGINT NOT NULL   -- Unix seconds
);
CREATE INDEX links_of_account ON links (account) WHERE account > 0;
CREATE INDEX links_age ON links (expires_at);

-- What the two sides of a link tell each other.
CREATE TABLE link_messages (
    link_id BYTEA NOT NULL,
    number BIGINT NOT NULL,      -- the version of the link at which it came
    is_new BIGINT NOT NULL,      -- 1: by the new device
    body BYTEA NOT NULL,
    PRIMARY KEY (link_id, number)
);

-- That devices were asked to approve a link, for an hour.
CREATE TABLE link_prompts (
    link_id BYTEA PRIMARY KEY,
    subject BIGINT NOT NULL,
    prompted_at BIGINT NOT NULL
);
CREATE INDEX link_prompts_of_subject ON link_prompts (subject, prompted_at);
CREATE INDEX link_prompts_age ON link_prompts (prompted_at);

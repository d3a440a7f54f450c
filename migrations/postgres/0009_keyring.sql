-- The key files that the relay was used with, by fingerprint: a daemon that has others must not go on.
CREATE TABLE key_files (
    purpose TEXT NOT NULL,
    key_id BIGINT NOT NULL,
    fingerprint BYTEA NOT NULL, -- of the key; nothing can be found out from it
    state BIGINT NOT NULL,       -- 0 awaited, 1 in force, 2 retired
    since BIGINT NOT NULL,       -- when it came to this state, in Unix seconds
    PRIMARY KEY (purpose, key_id)
);

-- Which of them each daemon that runs holds.
CREATE TABLE key_holders (
    daemon BIGINT NOT NULL,      -- names its life; 0 where one daemon has the database
    purpose TEXT NOT NULL,
    key_id BIGINT NOT NULL,
    is_used BIGINT NOT NULL,     -- 1: the daemon makes with it now
    seen_at BIGINT NOT NULL,     -- Unix seconds
    PRIMARY KEY (daemon, purpose, key_id)
);

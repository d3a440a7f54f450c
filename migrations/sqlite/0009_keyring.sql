-- The key files that the relay was used with, by fingerprint: a daemon that has others must not go on.
CREATE TABLE key_files (
    purpose TEXT NOT NULL,
    key_id INTEGER NOT NULL,
    fingerprint BLOB NOT NULL, -- of the key; nothing can be found out from it
    state INTEGER NOT NULL,       -- 0 awaited, 1 in force, 2 retired
    since INTEGER NOT NULL,       -- when it came to this state, in Unix seconds
    PRIMARY KEY (purpose, key_id)
);

-- Which of them each daemon that runs holds.
CREATE TABLE key_holders (
    daemon INTEGER NOT NULL,      -- names its life; 0 where one daemon has the database
    purpose TEXT NOT NULL,
    key_id INTEGER NOT NULL,
    is_used INTEGER NOT NULL,     -- 1: the daemon makes with it now
    seen_at INTEGER NOT NULL,     -- Unix seconds
    PRIMARY KEY (daemon, purpose, key_id)
);

-- Groups that opted in to ordering.  No group id and no member stands here in clear.
CREATE TABLE mls_groups (
    group_hash BYTEA PRIMARY KEY,   -- keyed hash of the group id
    epoch BIGINT NOT NULL,        -- the next commit is one of this epoch
    commit_hash BYTEA,              -- keyed hash of the commit that led here; NULL after a reset
    members BYTEA NOT NULL,         -- keyed hashes, 16 bytes each: who sent it and whom it went to
    seen_day BIGINT NOT NULL      -- of the last commit or reset
);
CREATE INDEX mls_groups_age ON mls_groups (seen_day);

-- Whose the KeyPackages were that the directory handed out: for Welcomes to find their way.
CREATE TABLE mls_references (
    reference BYTEA PRIMARY KEY,    -- KeyPackageRef
    mailbox BIGINT NOT NULL,
    free_day BIGINT NOT NULL      -- forgotten from this day on
);
CREATE INDEX mls_references_of_mailbox ON mls_references (mailbox);
CREATE INDEX mls_references_age ON mls_references (free_day);

-- Names under which accounts can be found.  No name stands here in clear: the key is a keyed hash,
-- the signed binding is sealed.  A row stays when its name is given up, so that seqs only rise.
CREATE TABLE handles (
    handle_key BYTEA PRIMARY KEY,   -- HMAC-SHA256 of the name
    account BIGINT NOT NULL,      -- 0: nobody's
    seq BIGINT NOT NULL,          -- of its last binding
    binding BYTEA,                  -- sealed, as it was signed; NULL when it is nobody's
    owner_hash BYTEA,               -- keyed hash of the last account, which alone may have it back
    free_day BIGINT NOT NULL      -- the Unix day from which anybody may have it; 0: no need to look
);
CREATE INDEX handles_of_account ON handles (account);
CREATE INDEX handles_freeing ON handles (free_day) WHERE free_day > 0;

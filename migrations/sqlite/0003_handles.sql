-- Names under which accounts can be found.  No name stands here in clear: the key is a keyed hash,
-- the signed binding is sealed.  A row stays when its name is given up, so that seqs only rise.
CREATE TABLE handles (
    handle_key BLOB PRIMARY KEY,   -- HMAC-SHA256 of the name
    account INTEGER NOT NULL,      -- 0: nobody's
    seq INTEGER NOT NULL,          -- of its last binding
    binding BLOB,                  -- sealed, as it was signed; NULL when it is nobody's
    owner_hash BLOB,               -- keyed hash of the last account, which alone may have it back
    free_day INTEGER NOT NULL      -- the Unix day from which anybody may have it; 0: no need to look
);
CREATE INDEX handles_of_account ON handles (account);
CREATE INDEX handles_freeing ON handles (free_day) WHERE free_day > 0;

-- Transactions: somebody is about to show a factor.
CREATE TABLE txns (
    txn_id BLOB PRIMARY KEY,
    subject INTEGER NOT NULL, -- 63 bits of a keyed hash of the account id, or of a name that nobody has
    account INTEGER NOT NULL, -- 0: a decoy
    purpose INTEGER NOT NULL, -- 1 link, 2 recover, 3 stepup, 4 vault
    kinds INTEGER NOT NULL,   -- bits of the kinds of factors that apply
    challenges_left INTEGER NOT NULL,
    is_done INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX txns_of_account ON txns (account); -- decoys, too: as many pages are written for each
CREATE INDEX txns_age ON txns (expires_at);

CREATE TABLE txn_challenges (
    challenge_id BLOB PRIMARY KEY,
    txn_id BLOB NOT NULL,
    subject INTEGER NOT NULL,
    account INTEGER NOT NULL, -- 0: a decoy
    purpose INTEGER NOT NULL,
    kind INTEGER NOT NULL,    -- 0 code, 1 totp, 2 recovery_code, 3 password, 4 webauthn
    verifier BLOB,            -- of a code its keyed hash, of a password SHA-256 of the right KE3, of webauthn the challenge
    code BLOB,                -- of a code: sealed, for the devices to show
    factor_id BLOB,           -- of a password: by whose record KE1 was answered
    attempts_left INTEGER NOT NULL,
    used INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX txn_challenges_of_account ON txn_challenges (account);
CREATE INDEX txn_challenges_of_subject ON txn_challenges (subject, kind, created_at);
CREATE INDEX txn_challenges_age ON txn_challenges (created_at);

-- Guesses that were counted and were not right.
CREATE TABLE guesses (
    guess BLOB PRIMARY KEY, -- random
    subject INTEGER NOT NULL,
    guessed_at INTEGER NOT NULL
);
CREATE INDEX guesses_of_subject ON guesses (subject, guessed_at);
CREATE INDEX guesses_age ON guesses (guessed_at);

-- What a right answer gave, until it is used.
CREATE TABLE grants (
    grant_hash BLOB PRIMARY KEY, -- SHA-256
    account INTEGER NOT NULL,
    purpose INTEGER NOT NULL,
    kind INTEGER NOT NULL, -- of what was answered; a code's is good while no factor is enrolled
    expires_at INTEGER NOT NULL
);
CREATE INDEX grants_of_account ON grants (account);
CREATE INDEX grants_age ON grants (expires_at);

-- Factors that an account has enrolled.
CREATE TABLE factors (
    factor_id BLOB PRIMARY KEY,     -- random
    account INTEGER NOT NULL,
    kind INTEGER NOT NULL,          -- 1 totp, 2 a set of recovery codes, 3 password, 4 webauthn
    is_confirmed INTEGER NOT NULL,
    is_stepped_up INTEGER NOT NULL, -- enrolled beside another, so by a step-up
    label BLOB NOT NULL,            -- encrypted by the client
    secret BLOB,                    -- sealed: the secret of totp, the record of a password, a credential of webauthn
    name BLOB,                      -- of webauthn: a keyed hash of the credential's id
    counter INTEGER NOT NULL,       -- of totp the last step that was used, of webauthn the signatures
    created_at INTEGER NOT NULL     -- the hour, in Unix seconds
);
CREATE INDEX factors_of_account ON factors (account);
CREATE INDEX factors_pending ON factors (created_at) WHERE is_confirmed = 0;

CREATE TABLE recovery_codes (
    code_hash BLOB PRIMARY KEY, -- keyed hash of account and code
    account INTEGER NOT NULL
);
CREATE INDEX recovery_codes_of_account ON recovery_codes (account);

-- What happened to the factors of an account, for its devices to read.
CREATE TABLE account_log (
    entry INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    event INTEGER NOT NULL,     -- 1 enrolled, 2 removed, 3 used, 4 there may be a copy of an authenticator
    kind INTEGER NOT NULL,
    purpose INTEGER NOT NULL,   -- of use; else 0
    device_id INTEGER NOT NULL, -- whose command it was; 0: nobody's
    at INTEGER NOT NULL         -- the hour, in Unix seconds
);
CREATE INDEX account_log_of_account ON account_log (account, entry);
CREATE INDEX account_log_age ON account_log (at);

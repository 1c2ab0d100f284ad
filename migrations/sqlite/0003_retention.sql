-- What is forgotten, what may not be, and how it can be seen that nothing else is missing.

-- Of each chain the first link that was taken over, and the last with its hash: what is cut off at an end is missed.
ALTER TABLE spool_positions ADD COLUMN first_link INTEGER;
ALTER TABLE spool_positions ADD COLUMN last_link INTEGER;
ALTER TABLE spool_positions ADD COLUMN last_hash BLOB;

-- Links of events that were forgotten. The hash is all that the chain needs of them; `transaction_id` tells what must not
-- come back, should more of the exchange come late. `at` is when they were forgotten.
CREATE TABLE event_tombstones (
    writer_number INTEGER NOT NULL,
    link_number INTEGER NOT NULL,
    transaction_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (writer_number, link_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_tombstones_transaction ON event_tombstones (transaction_id);

-- Sessions that are kept whatever is said elsewhere.
CREATE TABLE session_holds (
    session_id TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who does what only one may do at a time, until when.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which contents others consist of: the pieces of a frame (`kind` 1, `holder_number` is that of a content) and of a long
-- reply (`kind` 2, a transaction). It is made when something is to be forgotten, for all events up to `uses_read`.
CREATE TABLE content_uses (
    content_number INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    holder_number INTEGER NOT NULL,
    PRIMARY KEY (content_number, kind, holder_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX content_uses_holder ON content_uses (kind, holder_number);

-- One row. `forgettings` counts how often something was deleted that a writer may believe to be here.
CREATE TABLE retention (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    forgettings INTEGER NOT NULL,
    uses_read INTEGER NOT NULL
) STRICT;
INSERT INTO retention (number, forgettings, uses_read) VALUES (1, 0, 0);

-- Who still needs what.
CREATE INDEX nodes_parent ON nodes (parent_number);
CREATE INDEX nodes_message ON nodes (message_number);
CREATE INDEX transactions_head ON transactions (head_number);
CREATE INDEX transactions_sent_head ON transactions (sent_head_number) WHERE sent_head_number IS NOT NULL;
CREATE INDEX transactions_frame ON transactions (frame_number);
CREATE INDEX transactions_sent_frame ON transactions (sent_frame_number) WHERE sent_frame_number IS NOT NULL;
CREATE INDEX transactions_reply ON transactions (reply_number);
CREATE INDEX transactions_provider_reply ON transactions (provider_reply_number)
    WHERE provider_reply_number IS NOT NULL;
CREATE INDEX messages_media ON messages (number) WHERE media IS NOT NULL;

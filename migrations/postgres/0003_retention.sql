-- What is forgotten, what may not be, and how it can be seen that nothing else is missing.

-- Of each chain the first link that was taken over, and the last with its hash: what is cut off at an end is missed.
ALTER TABLE spool_positions ADD COLUMN first_link BIGINT;
ALTER TABLE spool_positions ADD COLUMN last_link BIGINT;
ALTER TABLE spool_positions ADD COLUMN last_hash BYTEA;

-- Links of events that were forgotten. The hash is all that the chain needs of them; `transaction_id` tells what must not
-- come back, should more of the exchange come late. `at` is when they were forgotten.
CREATE TABLE event_tombstones (
    writer_number BIGINT NOT NULL,
    link_number BIGINT NOT NULL,
    transaction_id TEXT NOT NULL,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (writer_number, link_number)
);
CREATE INDEX event_tombstones_transaction ON event_tombstones (transaction_id);

-- Sessions that are kept whatever is said elsewhere.
CREATE TABLE session_holds (
    session_id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);

-- Who does what only one may do at a time, until when.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);

-- Which contents others consist of: the pieces of a frame (`kind` 1, `holder_number` is that of a content) and of a long
-- reply (`kind` 2, a transaction). It is made when something is to be forgotten, for all events up to `uses_read`.
CREATE TABLE content_uses (
    content_number BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    holder_number BIGINT NOT NULL,
    PRIMARY KEY (content_number, kind, holder_number)
);
CREATE INDEX content_uses_holder ON content_uses (kind, holder_number);

-- One row. `forgettings` counts how often something was deleted that a writer may believe to be here.
CREATE TABLE retention (
    number BIGINT PRIMARY KEY CHECK (number = 1),
    forgettings BIGINT NOT NULL,
    uses_read BIGINT NOT NULL
);
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

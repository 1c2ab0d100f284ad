-- Signatures under chains of events, by keys that are not here.
CREATE TABLE checkpoints (
    writer_number BIGINT NOT NULL,
    link_number BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    key TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (writer_number, link_number)
);

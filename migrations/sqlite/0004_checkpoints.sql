-- Signatures under chains of events, by keys that are not here.
CREATE TABLE checkpoints (
    writer_number INTEGER NOT NULL,
    link_number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    key TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (writer_number, link_number)
) STRICT, WITHOUT ROWID;

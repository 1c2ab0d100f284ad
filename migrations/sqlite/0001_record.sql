-- The record: what passed, who asked, what policies made of it.
--
-- Times are microseconds since 1970. `number` is what rows are joined by; names and hashes are what others know them by.
-- A content or a message without a body was there, and is gone: lost before it was stored, or past its retention.

-- How far each spool has been taken over; written in the transaction that takes over.
CREATE TABLE spool_positions (
    number INTEGER PRIMARY KEY,
    writer TEXT NOT NULL UNIQUE,
    segment INTEGER NOT NULL,
    byte_offset INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Bytes by their hash (BLAKE3): replies, frames of requests, tools, pictures. `coding`: 0 as they are, 1 zstd,
-- 2 zstd with the first dictionary.
CREATE TABLE contents (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    coding INTEGER NOT NULL DEFAULT 0,
    size INTEGER,
    body BLOB
) STRICT;

-- Messages by their hash. `body` is the message as JSON, with `content:<hash>` where `media` say that something large was
-- cut out. If that is not all of it, byte for byte, `raw` is, coded as `coding` says, behind its length in eight bytes; in
-- SQLite that is so for long messages, of whose texts the body holds the beginnings. `said` tells whether two
-- messages say the same. A message that is `ours` was made out of a reply, until its client has said it again.
CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    role TEXT,
    body TEXT,
    media TEXT,
    raw BLOB,
    coding INTEGER NOT NULL DEFAULT 0,
    said BLOB,
    ours INTEGER NOT NULL DEFAULT 0,
    searchable INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Conversations are paths in a tree of messages. `transaction_number` is the first that brought the message.
CREATE TABLE nodes (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    parent_number INTEGER,
    root_number INTEGER,
    message_number INTEGER,
    depth INTEGER,
    gap BLOB,
    transaction_number INTEGER
) STRICT;

CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    trusted INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    transactions INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost_micros INTEGER NOT NULL,
    unpriced INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Kept as rows, so that listing them is a walk along an index however long they are. `models`, `users` and `endings` are
-- JSON. `cost_micros` is what is known, in millionths of a dollar; `unpriced` counts the transactions of unknown cost.
-- `modified`, `blocked` and `asked` count decisions that took effect.
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    transactions INTEGER NOT NULL,
    models TEXT NOT NULL,
    users TEXT NOT NULL,
    endings TEXT NOT NULL,
    client TEXT,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_micros INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    allowed INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    blocked INTEGER NOT NULL,
    asked INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    preview TEXT
) STRICT;
CREATE INDEX sessions_last ON sessions (last_at);

-- One row an exchange. Durations are microseconds from `started_at`.
CREATE TABLE transactions (
    number INTEGER PRIMARY KEY,
    transaction_id TEXT NOT NULL UNIQUE,
    session_number INTEGER REFERENCES sessions (number) ON DELETE CASCADE,
    user_id TEXT,
    user_trusted INTEGER,
    caller TEXT,
    key_name TEXT,
    client TEXT,
    address TEXT,
    dialect TEXT,
    method TEXT,
    path TEXT,
    model TEXT,
    answered_model TEXT,
    purpose TEXT,
    agent TEXT,
    stream INTEGER,
    started_at INTEGER,
    first_byte_us INTEGER,
    duration_us INTEGER,
    ended_at INTEGER,
    ending TEXT,
    reason TEXT,
    status INTEGER,
    upstream TEXT,
    attempts INTEGER,
    stop_reason TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cache_read_tokens INTEGER,
    cache_write_tokens INTEGER,
    reasoning_tokens INTEGER,
    cost_micros INTEGER,
    request_bytes INTEGER,
    request_messages INTEGER,
    head_number INTEGER,
    frame_number INTEGER,
    sent_head_number INTEGER,
    sent_frame_number INTEGER,
    follows_number INTEGER,
    shared_messages INTEGER,
    reply_number INTEGER,
    reply_bytes INTEGER,
    provider_reply_number INTEGER,
    shed INTEGER,
    allowed INTEGER NOT NULL DEFAULT 0,
    modified INTEGER NOT NULL DEFAULT 0,
    blocked INTEGER NOT NULL DEFAULT 0,
    asked INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX transactions_session ON transactions (session_number);

-- What is new in each transaction: the messages that its request added to the conversation, and those of its reply.
CREATE TABLE transaction_messages (
    transaction_number INTEGER NOT NULL REFERENCES transactions (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    message_number INTEGER NOT NULL,
    is_reply INTEGER NOT NULL,
    PRIMARY KEY (transaction_number, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX transaction_messages_message ON transaction_messages (message_number);

-- Only ever added to. `payload` is the exact text of the event, of which `hash` is, behind the link before it; coded as
-- `coding` says, like contents.
CREATE TABLE conversation_events (
    number INTEGER PRIMARY KEY,
    transaction_id TEXT NOT NULL REFERENCES transactions (transaction_id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    event TEXT NOT NULL,
    at INTEGER NOT NULL,
    coding INTEGER NOT NULL,
    payload BLOB NOT NULL,
    writer_number INTEGER NOT NULL,
    link_number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    UNIQUE (transaction_id, sequence)
) STRICT;

-- `sequence` is that of the event which tells all of it: texts before and after, votes, judges.
CREATE TABLE policy_decisions (
    transaction_id TEXT NOT NULL REFERENCES transactions (transaction_id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    decision_id TEXT NOT NULL,
    policy TEXT NOT NULL,
    version TEXT NOT NULL,
    mode TEXT NOT NULL,
    phase TEXT NOT NULL,
    block INTEGER,
    tool TEXT,
    outcome TEXT NOT NULL,
    cause TEXT,
    applied INTEGER NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    severity TEXT NOT NULL,
    latency_us INTEGER NOT NULL,
    PRIMARY KEY (transaction_id, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX policy_decisions_outcome ON policy_decisions (outcome, policy) WHERE outcome <> 'allow';

-- Calls of tools in replies. The input stands in the message that holds the call; `input` holds it only if none does,
-- since policies took the call out. `outcome` is the gravest decision about the call, if there was one.
CREATE TABLE tool_calls (
    transaction_id TEXT NOT NULL REFERENCES transactions (transaction_id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    call_id TEXT,
    name TEXT NOT NULL,
    block INTEGER NOT NULL,
    message_number INTEGER,
    input TEXT,
    outcome TEXT,
    result_message_number INTEGER,
    PRIMARY KEY (transaction_id, place)
) STRICT, WITHOUT ROWID;

-- Which words stand in which message: `rowid` is the message's number. It holds no text; hits are looked up there.
CREATE VIRTUAL TABLE message_words USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);

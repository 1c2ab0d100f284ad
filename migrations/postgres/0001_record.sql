-- The record: what passed, who asked, what policies made of it.
--
-- Times are microseconds since 1970. `number` is what rows are joined by; names and hashes are what others know them by.
-- A content or a message without a body was there, and is gone: lost before it was stored, or past its retention.

-- How far each spool has been taken over; written in the transaction that takes over.
CREATE TABLE spool_positions (
    number BIGINT PRIMARY KEY,
    writer TEXT NOT NULL UNIQUE,
    segment BIGINT NOT NULL,
    byte_offset BIGINT NOT NULL,
    at BIGINT NOT NULL
);

-- Bytes by their hash (BLAKE3): replies, frames of requests, tools, pictures. `coding`: 0 as they are, 1 zstd,
-- 2 zstd with the first dictionary.
CREATE TABLE contents (
    number BIGINT PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    coding BIGINT NOT NULL DEFAULT 0,
    size BIGINT,
    body BYTEA
);

-- Messages by their hash. `body` is the message as JSON, with `content:<hash>` where `media` say that something large was
-- cut out. If that is not all of it, byte for byte, `raw` is, coded as `coding` says, behind its length in eight bytes; in
-- SQLite that is so for long messages, of whose texts the body holds the beginnings. `said` tells whether two
-- messages say the same. A message that is `ours` was made out of a reply, until its client has said it again.
CREATE TABLE messages (
    number BIGINT PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    role TEXT,
    body JSON,
    media TEXT,
    raw BYTEA,
    coding BIGINT NOT NULL DEFAULT 0,
    said BYTEA,
    ours BOOLEAN NOT NULL DEFAULT FALSE,
    searchable BOOLEAN NOT NULL DEFAULT FALSE
);
-- Most messages are shorter than what is compressed unasked.
ALTER TABLE messages SET (toast_tuple_target = 256);
ALTER TABLE messages ALTER COLUMN body SET STORAGE MAIN;

-- Conversations are paths in a tree of messages. `transaction_number` is the first that brought the message.
CREATE TABLE nodes (
    number BIGINT PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    parent_number BIGINT,
    root_number BIGINT,
    message_number BIGINT,
    depth BIGINT,
    gap BYTEA,
    transaction_number BIGINT
);

CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    trusted BOOLEAN NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    transactions BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost_micros BIGINT NOT NULL,
    unpriced BIGINT NOT NULL
);

-- Kept as rows, so that listing them is a walk along an index however long they are. `models`, `users` and `endings` are
-- JSON. `cost_micros` is what is known, in millionths of a dollar; `unpriced` counts the transactions of unknown cost.
-- `modified`, `blocked` and `asked` count decisions that took effect.
CREATE TABLE sessions (
    number BIGINT PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    transactions BIGINT NOT NULL,
    models TEXT NOT NULL,
    users TEXT NOT NULL,
    endings TEXT NOT NULL,
    client TEXT,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    cost_micros BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    allowed BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    blocked BIGINT NOT NULL,
    asked BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    preview TEXT
);
CREATE INDEX sessions_last ON sessions (last_at);

-- One row an exchange. Durations are microseconds from `started_at`.
CREATE TABLE transactions (
    number BIGINT PRIMARY KEY,
    transaction_id TEXT NOT NULL UNIQUE,
    session_number BIGINT REFERENCES sessions (number) ON DELETE CASCADE,
    user_id TEXT,
    user_trusted BOOLEAN,
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
    stream BOOLEAN,
    started_at BIGINT,
    first_byte_us BIGINT,
    duration_us BIGINT,
    ended_at BIGINT,
    ending TEXT,
    reason TEXT,
    status BIGINT,
    upstream TEXT,
    attempts BIGINT,
    stop_reason TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    reasoning_tokens BIGINT,
    cost_micros BIGINT,
    request_bytes BIGINT,
    request_messages BIGINT,
    head_number BIGINT,
    frame_number BIGINT,
    sent_head_number BIGINT,
    sent_frame_number BIGINT,
    follows_number BIGINT,
    shared_messages BIGINT,
    reply_number BIGINT,
    reply_bytes BIGINT,
    provider_reply_number BIGINT,
    shed BOOLEAN,
    allowed BIGINT NOT NULL DEFAULT 0,
    modified BIGINT NOT NULL DEFAULT 0,
    blocked BIGINT NOT NULL DEFAULT 0,
    asked BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    skipped BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX transactions_session ON transactions (session_number);

-- What is new in each transaction: the messages that its request added to the conversation, and those of its reply.
CREATE TABLE transaction_messages (
    transaction_number BIGINT NOT NULL REFERENCES transactions (number) ON DELETE CASCADE,
    place BIGINT NOT NULL,
    message_number BIGINT NOT NULL,
    is_reply BOOLEAN NOT NULL,
    PRIMARY KEY (transaction_number, place)
);
CREATE INDEX transaction_messages_message ON transaction_messages (message_number);

-- Only ever added to. `payload` is the exact text of the event, of which `hash` is, behind the link before it; coded as
-- `coding` says, like contents.
CREATE TABLE conversation_events (
    number BIGINT PRIMARY KEY,
    transaction_id TEXT NOT NULL REFERENCES transactions (transaction_id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    event TEXT NOT NULL,
    at BIGINT NOT NULL,
    coding BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    writer_number BIGINT NOT NULL,
    link_number BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    UNIQUE (transaction_id, sequence)
);

-- `sequence` is that of the event which tells all of it: texts before and after, votes, judges.
CREATE TABLE policy_decisions (
    transaction_id TEXT NOT NULL REFERENCES transactions (transaction_id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    decision_id TEXT NOT NULL,
    policy TEXT NOT NULL,
    version TEXT NOT NULL,
    mode TEXT NOT NULL,
    phase TEXT NOT NULL,
    block BIGINT,
    tool TEXT,
    outcome TEXT NOT NULL,
    cause TEXT,
    applied BOOLEAN NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    severity TEXT NOT NULL,
    latency_us BIGINT NOT NULL,
    PRIMARY KEY (transaction_id, sequence)
);
CREATE INDEX policy_decisions_outcome ON policy_decisions (outcome, policy) WHERE outcome <> 'allow';

-- Calls of tools in replies. The input stands in the message that holds the call; `input` holds it only if none does,
-- since policies took the call out. `outcome` is the gravest decision about the call, if there was one.
CREATE TABLE tool_calls (
    transaction_id TEXT NOT NULL REFERENCES transactions (transaction_id) ON DELETE CASCADE,
    place BIGINT NOT NULL,
    call_id TEXT,
    name TEXT NOT NULL,
    block BIGINT NOT NULL,
    message_number BIGINT,
    input TEXT,
    outcome TEXT,
    result_message_number BIGINT,
    PRIMARY KEY (transaction_id, place)
);

-- Which words stand in which message, separated by spaces. There is no index without something to be made of: this is
-- the least.
CREATE TABLE message_words (
    message_number BIGINT PRIMARY KEY REFERENCES messages (number) ON DELETE CASCADE,
    words TEXT NOT NULL
);
ALTER TABLE message_words SET (toast_tuple_target = 256);
ALTER TABLE message_words ALTER COLUMN words SET STORAGE MAIN;
CREATE INDEX message_words_words ON message_words USING gin (array_to_tsvector(string_to_array(words, ' ')))
    WITH (gin_pending_list_limit = 256);

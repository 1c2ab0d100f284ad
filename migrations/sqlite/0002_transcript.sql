-- Conversations to read: every message once, where it was said first. `kind` is `text`, `thinking`, `tool_call` (`text` is
-- its input), `tool_result`, `image`, `document`, `audio`, `refusal` or `unknown`; `reference` is where a picture is: a
-- URL, `content:` and the hash of a row of `contents`, or `inline`.
CREATE VIEW conversation_transcript AS
WITH said AS (
    SELECT s.session_id, t.transaction_id, t.started_at AS at, p.place, p.is_reply, m.role, m.body,
        CASE json_type(m.body) WHEN 'text' THEN 'text'
            WHEN 'object' THEN CASE
                WHEN coalesce(m.body ->> '$.type', 'message') <> 'message' THEN 'item'
                WHEN m.body ->> '$.role' IN ('tool', 'function') THEN 'result'
                ELSE 'message' END
        END AS form
    FROM transactions t
    JOIN sessions s ON s.number = t.session_number
    JOIN transaction_messages p ON p.transaction_number = t.number
    JOIN messages m ON m.number = p.message_number
), parts AS (
    SELECT session_id, transaction_id, at, place, is_reply, role, 0 AS block,
        CASE form WHEN 'item' THEN body
            WHEN 'result' THEN json_object('type', 'tool_result', 'tool_use_id', body ->> '$.tool_call_id',
                'content', body -> '$.content')
            ELSE json_object('type', 'text', 'text', body ->> '$') END AS part
    FROM said WHERE form IN ('text', 'item', 'result')
    UNION ALL
    SELECT session_id, transaction_id, at, place, is_reply, role, -2,
        json_object('type', 'thinking', 'thinking', coalesce(body ->> '$.reasoning_content', body ->> '$.reasoning'))
    FROM said WHERE form = 'message'
        AND coalesce(json_type(body, '$.reasoning_content'), json_type(body, '$.reasoning')) = 'text'
    UNION ALL
    SELECT session_id, transaction_id, at, place, is_reply, role, -1,
        json_object('type', 'refusal', 'refusal', body ->> '$.refusal')
    FROM said WHERE form = 'message' AND json_type(body, '$.refusal') = 'text'
    UNION ALL
    SELECT session_id, transaction_id, at, place, is_reply, role, 0,
        json_object('type', 'text', 'text', body ->> '$.content')
    FROM said WHERE form = 'message' AND json_type(body, '$.content') = 'text'
    UNION ALL
    SELECT session_id, transaction_id, at, place, is_reply, role, e.key, e.value
    FROM said, json_each(said.body, '$.content') e
    WHERE form = 'message' AND json_type(body, '$.content') = 'array' AND e.type = 'object'
    UNION ALL
    SELECT session_id, transaction_id, at, place, is_reply, role, 100000 + e.key,
        json_object('type', 'tool_use', 'id', e.value ->> '$.id',
            'name', coalesce(e.value ->> '$.function.name', e.value ->> '$.custom.name', e.value ->> '$.name'),
            'input', coalesce(e.value ->> '$.function.arguments', e.value ->> '$.custom.input',
                e.value ->> '$.arguments'))
    FROM said, json_each(said.body, '$.tool_calls') e
    WHERE form = 'message' AND json_type(body, '$.tool_calls') = 'array' AND e.type = 'object'
    UNION ALL
    SELECT session_id, transaction_id, at, place, is_reply, role, 99999,
        json_object('type', 'tool_use', 'name', body ->> '$.function_call.name',
            'input', body ->> '$.function_call.arguments')
    FROM said WHERE form = 'message' AND json_type(body, '$.function_call') = 'object'
), kinds AS (
    SELECT session_id, transaction_id, at, place, is_reply, role, block, part, part ->> '$.type' AS type,
        CASE
            WHEN part ->> '$.type' IN ('text', 'input_text', 'output_text') THEN 'text'
            WHEN part ->> '$.type' IN ('thinking', 'redacted_thinking', 'reasoning', 'summary_text', 'reasoning_text')
                THEN 'thinking'
            WHEN part ->> '$.type' = 'refusal' THEN 'refusal'
            WHEN part ->> '$.type' IN ('image', 'image_url', 'input_image') THEN 'image'
            WHEN part ->> '$.type' IN ('document', 'file', 'input_file', 'search_result') THEN 'document'
            WHEN part ->> '$.type' = 'input_audio' THEN 'audio'
            WHEN part ->> '$.type' LIKE '%tool\_use' ESCAPE '\' OR part ->> '$.type' LIKE '%\_call' ESCAPE '\'
                THEN 'tool_call'
            WHEN part ->> '$.type' LIKE '%tool\_result' ESCAPE '\'
                OR part ->> '$.type' LIKE '%\_call\_output' ESCAPE '\' THEN 'tool_result'
            ELSE 'unknown'
        END AS kind
    FROM parts
), pieces AS (
    SELECT session_id, transaction_id, at, place, is_reply, role, block, 0 AS piece, part, type, kind FROM kinds
    UNION ALL
    -- Pictures in results stand behind them.
    SELECT session_id, transaction_id, at, place, is_reply, role, block, e.key + 1, e.value, e.value ->> '$.type',
        CASE WHEN e.value ->> '$.type' IN ('image', 'image_url', 'input_image') THEN 'image' ELSE 'document' END
    FROM kinds, json_each(kinds.part, CASE json_type(kinds.part, '$.output') WHEN 'array' THEN '$.output'
        ELSE '$.content' END) e
    WHERE kind = 'tool_result' AND e.type = 'object'
        AND e.value ->> '$.type' IN ('image', 'image_url', 'input_image', 'document', 'file', 'input_file')
)
SELECT session_id, transaction_id, at, place, block, piece, is_reply, role, kind,
    CASE kind WHEN 'tool_call' THEN CASE WHEN type LIKE '%tool\_use' ESCAPE '\'
            OR type IN ('function_call', 'custom_tool_call', 'mcp_call') THEN part ->> '$.name' ELSE type END
    END AS tool_name,
    CASE WHEN kind IN ('tool_call', 'tool_result')
        THEN coalesce(part ->> '$.call_id', part ->> '$.tool_use_id', part ->> '$.id') END AS tool_call_id,
    CASE kind
        WHEN 'text' THEN part ->> '$.text'
        WHEN 'refusal' THEN part ->> '$.refusal'
        WHEN 'thinking' THEN coalesce(part ->> '$.thinking', CASE type WHEN 'reasoning' THEN coalesce(
            (SELECT group_concat(e.value ->> '$.text', char(10)) FROM json_each(part, '$.summary') e),
            (SELECT group_concat(e.value ->> '$.text', char(10)) FROM json_each(part, '$.content') e))
            ELSE part ->> '$.text' END)
        WHEN 'tool_call' THEN coalesce(part ->> '$.input', part ->> '$.arguments', part ->> '$.action',
            part ->> '$.operation')
        WHEN 'tool_result' THEN CASE
            WHEN json_type(part, '$.output') = 'array' THEN (SELECT group_concat(e.value ->> '$.text', char(10))
                FROM json_each(part, '$.output') e WHERE e.type = 'object')
            WHEN json_type(part, '$.content') = 'array' THEN (SELECT group_concat(e.value ->> '$.text', char(10))
                FROM json_each(part, '$.content') e WHERE e.type = 'object')
            ELSE coalesce(part ->> '$.output', part ->> '$.content') END
    END AS text,
    CASE WHEN kind IN ('image', 'document', 'audio') THEN (
        SELECT CASE
            WHEN instr(where_it_is, 'content:') > 0 THEN substr(where_it_is, instr(where_it_is, 'content:'))
            WHEN where_it_is LIKE 'http%' OR where_it_is LIKE 'file%' THEN where_it_is
            ELSE 'inline' END
        FROM (SELECT coalesce(part ->> '$.source.url', part ->> '$.source.data', part ->> '$.source.file_id',
            part ->> '$.image_url.url', part ->> '$.file.file_data', part ->> '$.file.file_id',
            part ->> '$.input_audio.data', part ->> '$.image_url', part ->> '$.file_url', part ->> '$.file_data',
            part ->> '$.data', part ->> '$.file_id') AS where_it_is)
    ) END AS reference
FROM pieces;

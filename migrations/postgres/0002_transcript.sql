-- Conversations to read: every message once, where it was said first. `kind` is `text`, `thinking`, `tool_call` (`text` is
-- its input), `tool_result`, `image`, `document`, `audio`, `refusal` or `unknown`; `reference` is where a picture is: a
-- URL, `content:` and the hash of a row of `contents`, or `inline`.
CREATE VIEW conversation_transcript AS
SELECT s.session_id, t.transaction_id, t.started_at AS at, p.place, piece.block, piece.piece, p.is_reply, m.role,
    piece.kind,
    CASE piece.kind WHEN 'tool_call' THEN CASE WHEN piece.type LIKE '%tool\_use'
            OR piece.type IN ('function_call', 'custom_tool_call', 'mcp_call') THEN piece.part ->> 'name'
            ELSE piece.type END
    END AS tool_name,
    CASE WHEN piece.kind IN ('tool_call', 'tool_result') THEN
        coalesce(piece.part ->> 'call_id', piece.part ->> 'tool_use_id', piece.part ->> 'id') END AS tool_call_id,
    CASE piece.kind
        WHEN 'text' THEN piece.part ->> 'text'
        WHEN 'refusal' THEN piece.part ->> 'refusal'
        WHEN 'thinking' THEN coalesce(piece.part ->> 'thinking', CASE piece.type WHEN 'reasoning' THEN coalesce(
            (SELECT string_agg(e.value ->> 'text', E'\n' ORDER BY e.place) FROM json_array_elements(CASE
                json_typeof(piece.part -> 'summary') WHEN 'array' THEN piece.part -> 'summary' ELSE '[]' END)
                WITH ORDINALITY AS e (value, place)),
            (SELECT string_agg(e.value ->> 'text', E'\n' ORDER BY e.place) FROM json_array_elements(CASE
                json_typeof(piece.part -> 'content') WHEN 'array' THEN piece.part -> 'content' ELSE '[]' END)
                WITH ORDINALITY AS e (value, place)))
            ELSE piece.part ->> 'text' END)
        WHEN 'tool_call' THEN coalesce(piece.part ->> 'input', piece.part ->> 'arguments', piece.part ->> 'action',
            piece.part ->> 'operation')
        WHEN 'tool_result' THEN CASE json_typeof(coalesce(piece.part -> 'output', piece.part -> 'content'))
            WHEN 'array' THEN (SELECT string_agg(e.value ->> 'text', E'\n' ORDER BY e.place)
                FROM json_array_elements(coalesce(piece.part -> 'output', piece.part -> 'content'))
                WITH ORDINALITY AS e (value, place) WHERE json_typeof(e.value) = 'object')
            ELSE coalesce(piece.part ->> 'output', piece.part ->> 'content') END
    END AS text,
    CASE WHEN piece.kind IN ('image', 'document', 'audio') THEN (
        SELECT CASE
            WHEN strpos(w.here, 'content:') > 0 THEN substr(w.here, strpos(w.here, 'content:'))
            WHEN w.here LIKE 'http%' OR w.here LIKE 'file%' THEN w.here
            ELSE 'inline' END
        FROM (SELECT coalesce(piece.part #>> '{source,url}', piece.part #>> '{source,data}',
            piece.part #>> '{source,file_id}', piece.part #>> '{image_url,url}', piece.part #>> '{file,file_data}',
            piece.part #>> '{file,file_id}', piece.part #>> '{input_audio,data}', piece.part ->> 'image_url',
            piece.part ->> 'file_url', piece.part ->> 'file_data', piece.part ->> 'data',
            piece.part ->> 'file_id') AS here) w
    ) END AS reference
FROM transactions t
JOIN sessions s ON s.number = t.session_number
JOIN transaction_messages p ON p.transaction_number = t.number
JOIN messages m ON m.number = p.message_number
CROSS JOIN LATERAL (
    SELECT CASE json_typeof(m.body) WHEN 'string' THEN 'text'
        WHEN 'object' THEN CASE
            WHEN coalesce(m.body ->> 'type', 'message') <> 'message' THEN 'item'
            WHEN m.body ->> 'role' IN ('tool', 'function') THEN 'result'
            ELSE 'message' END
        END AS form
) f
CROSS JOIN LATERAL (
    SELECT 0 AS block, CASE f.form
        WHEN 'item' THEN m.body
        WHEN 'result' THEN json_build_object('type', 'tool_result', 'tool_use_id', m.body ->> 'tool_call_id',
            'content', m.body -> 'content')
        ELSE json_build_object('type', 'text', 'text', m.body #>> '{}') END AS part
    WHERE f.form IN ('text', 'item', 'result')
    UNION ALL
    SELECT -2, json_build_object('type', 'thinking', 'thinking',
        coalesce(m.body ->> 'reasoning_content', m.body ->> 'reasoning'))
    WHERE f.form = 'message'
        AND json_typeof(coalesce(m.body -> 'reasoning_content', m.body -> 'reasoning')) = 'string'
    UNION ALL
    SELECT -1, json_build_object('type', 'refusal', 'refusal', m.body ->> 'refusal')
    WHERE f.form = 'message' AND json_typeof(m.body -> 'refusal') = 'string'
    UNION ALL
    SELECT 0, json_build_object('type', 'text', 'text', m.body ->> 'content')
    WHERE f.form = 'message' AND json_typeof(m.body -> 'content') = 'string'
    UNION ALL
    SELECT e.place - 1, e.value
    FROM json_array_elements(CASE WHEN f.form = 'message' AND json_typeof(m.body -> 'content') = 'array'
        THEN m.body -> 'content' ELSE '[]' END) WITH ORDINALITY AS e (value, place)
    WHERE json_typeof(e.value) = 'object'
    UNION ALL
    SELECT 99999 + e.place, json_build_object('type', 'tool_use', 'id', e.value ->> 'id',
        'name', coalesce(e.value #>> '{function,name}', e.value #>> '{custom,name}', e.value ->> 'name'),
        'input', coalesce(e.value #>> '{function,arguments}', e.value #>> '{custom,input}', e.value ->> 'arguments'))
    FROM json_array_elements(CASE WHEN f.form = 'message' AND json_typeof(m.body -> 'tool_calls') = 'array'
        THEN m.body -> 'tool_calls' ELSE '[]' END) WITH ORDINALITY AS e (value, place)
    WHERE json_typeof(e.value) = 'object'
    UNION ALL
    SELECT 99999, json_build_object('type', 'tool_use', 'name', m.body #>> '{function_call,name}',
        'input', m.body #>> '{function_call,arguments}')
    WHERE f.form = 'message' AND json_typeof(m.body -> 'function_call') = 'object'
) part
CROSS JOIN LATERAL (
    SELECT part.part ->> 'type' AS type
) y
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN y.type IN ('text', 'input_text', 'output_text') THEN 'text'
        WHEN y.type IN ('thinking', 'redacted_thinking', 'reasoning', 'summary_text', 'reasoning_text') THEN 'thinking'
        WHEN y.type = 'refusal' THEN 'refusal'
        WHEN y.type IN ('image', 'image_url', 'input_image') THEN 'image'
        WHEN y.type IN ('document', 'file', 'input_file', 'search_result') THEN 'document'
        WHEN y.type = 'input_audio' THEN 'audio'
        WHEN y.type LIKE '%tool\_use' OR y.type LIKE '%\_call' THEN 'tool_call'
        WHEN y.type LIKE '%tool\_result' OR y.type LIKE '%\_call\_output' THEN 'tool_result'
        ELSE 'unknown' END AS kind
) k
CROSS JOIN LATERAL (
    SELECT part.block, 0 AS piece, part.part, y.type, k.kind
    UNION ALL
    -- Pictures in results stand behind them.
    SELECT part.block, e.place, e.value, e.value ->> 'type',
        CASE WHEN e.value ->> 'type' IN ('image', 'image_url', 'input_image') THEN 'image' ELSE 'document' END
    FROM json_array_elements(CASE WHEN k.kind = 'tool_result'
        AND json_typeof(coalesce(part.part -> 'output', part.part -> 'content')) = 'array'
        THEN coalesce(part.part -> 'output', part.part -> 'content') ELSE '[]' END)
        WITH ORDINALITY AS e (value, place)
    WHERE json_typeof(e.value) = 'object'
        AND e.value ->> 'type' IN ('image', 'image_url', 'input_image', 'document', 'file', 'input_file')
) piece;

//! What a body says. Parsers differ on keys that stand twice, on numbers, on texts that are no text; policies must read
//! what the provider will read.

use super::assert_passes;
use crate::support::{
    client::Client,
    good::{self, call, goes_on, refused},
    replies::Dialect,
};

/// Asks with each of these bodies in each dialect: all are refused, and the provider hears of none.
async fn assert_refused<B: AsRef<[u8]>>(bodies: impl IntoIterator<Item = B>, code: &str) {
    let (provider, sidecar) = good::pair("").await;
    let mut client = Client::connect(sidecar.agents).await;
    for body in bodies {
        for dialect in Dialect::ALL {
            let response = client.ask(&call(dialect, &body)).await;
            let shown = body.as_ref();
            let shown = String::from_utf8_lossy(&shown[..shown.len().min(100)]).into_owned();
            assert_eq!(response.status(), 400, "{dialect} {shown:?}");
            refused(&sidecar, &response, dialect, 400, code).await;
        }
    }
    assert_eq!(provider.connections(), 0);
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_key_that_stands_twice_is_refused_however_it_is_spelt_and_however_deep_it_is() {
    assert_refused(
        [
            r#"{"messages":[],"messages":[]}"#,
            r#"{"model":"m","model":"m"}"#,
            r#"{"input":"a","input":"b"}"#,
            r#"{"tools":[1],"t\u006fols":[2]}"#,
            r#"{"t\u006fols":[1],"t\u006Fols":[2]}"#,
            r#"{"\u0074\u006f\u006f\u006c\u0073":[1],"tools":[2]}"#,
            r#"{"stream":false,"stream":true}"#,
            r#"{"stream":true,"str\u0065am":true}"#,
            r#"{"messages":[{"role":"user","role":"assistant","content":"x"}]}"#,
            r#"{"messages":[{"role":"user","content":"a","c\u006fntent":"b"}]}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a","text":"b"}]}]}"#,
            r#"{"messages":[{"content":[{"type":"tool_result","content":[{"type":"text","text":"a","type":"x"}]}]}]}"#,
            r#"{"messages":[{"content":[{"type":"tool_use","name":"Bash","input":{"command":"ls","command":"rm"}}]}]}"#,
            r#"{"messages":[{"content":[{"type":"tool_use","input":{"a":{"b":[{"c":{"d":1,"d":2}}]}}}]}]}"#,
            r#"{"messages":[{"tool_calls":[{"function":{"name":"a","name":"b","arguments":"{}"}}]}]}"#,
            r#"{"input":[{"type":"function_call","name":"a","name":"b"}]}"#,
            r#"{"tools":[{"name":"a","input_schema":{"properties":{"x":1,"x":2}}}]}"#,
            r#"{"metadata":{"user_id":"a","user_id":"b"}}"#,
            r#"{"é":1,"\u00e9":2}"#,
            r#"{"😀":1,"\ud83d\ude00":2}"#,
            r#"{"":1,"":2}"#,
            r#"{"a\/b":1,"a/b":2}"#,
            r#"{"__proto__":1,"__proto__":2}"#,
        ],
        "ambiguous_json",
    )
    .await;
    // So many keys that they are not compared one by one.
    let keys: Vec<_> = (0..1000)
        .map(|number| format!(r#""key{number}":0"#))
        .collect();
    let twice = format!(r#"{{{},"k\u0065y500":1}}"#, keys.join(","));
    assert_refused([twice], "ambiguous_json").await;
}

#[tokio::test]
async fn a_key_that_others_read_without_regard_to_case_is_refused_where_policies_read() {
    assert_refused(
        [
            r#"{"Model":"m"}"#,
            r#"{"model":"m","MODEL":"n"}"#,
            r#"{"messages":[],"Messages":[]}"#,
            r#"{"\u004dessages":[]}"#,
            r#"{"TOOLS":[]}"#,
            // The long s and the sign for Kelvin fold to letters.
            "{\"tool\u{17f}\":[]}",
            r#"{"me\u017fsages":[]}"#,
            "{\"thin\u{212a}ing\":{}}",
            r#"{"Input":[]}"#,
            r#"{"STREAM":true}"#,
            r#"{"messages":[{"Role":"user","content":"x"}]}"#,
            r#"{"messages":[{"role":"user","Content":"x"}]}"#,
            r#"{"messages":[{"content":[{"Type":"tool_use"}]}]}"#,
            r#"{"messages":[{"content":[{"type":"tool_result","content":[{"TEXT":"x"}]}]}]}"#,
            r#"{"messages":[{"tool_calls":[{"function":{"Name":"a"}}]}]}"#,
            r#"{"messages":[{"tool_calls":[{"function":{"ARGUMENTS":"{}"}}]}]}"#,
            r#"{"messages":[{"function_call":{"Name":"a"}}]}"#,
            r#"{"input":[{"type":"function_call","Name":"a"}]}"#,
            r#"{"tools":[{"NAME":"a"}]}"#,
        ],
        "ambiguous_json",
    )
    .await;
}

#[tokio::test]
async fn inside_of_what_a_tool_is_given_keys_are_free() {
    let (provider, sidecar) = good::pair("").await;
    for dialect in Dialect::ALL {
        for body in [
            r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"a","input":{"Name":1,"name":2,"TYPE":{"Messages":[]}}}]}]}"#,
            r#"{"tools":[{"name":"a","input_schema":{"properties":{"Name":{},"name":{},"Type":{}}}}]}"#,
            r#"{"metadata":{"User":"x","userId":"y"},"Foo":1,"foo":2,"FOO":3}"#,
            r#"{"messages":[{"role":"user","content":"{\"a\":1,\"a\":2,\"Role\":3}"}]}"#,
        ] {
            assert_passes(&provider, &sidecar, dialect, body.as_bytes()).await;
        }
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn numbers_and_spelling_arrive_as_they_were_sent() {
    let (provider, sidecar) = good::pair("").await;
    for dialect in Dialect::ALL {
        let list = if dialect == Dialect::Responses {
            "input"
        } else {
            "messages"
        };
        for value in [
            "12345678901234567890123",
            "1E400",
            "-1e-400",
            "-0",
            "-0.0",
            "1.0",
            "1e2",
            "1E+2",
            "0.1000000000000000055511151231257827",
            r#""\u0041\/\u2028\ud83d\ude00\u0000""#,
            "\"\u{2028}\u{feff}\u{10ffff}\"",
            "[ 1 ,\t2\r\n]",
            "{\"b\":1,\"a\":2,\"\":3}",
        ] {
            for body in [
                format!(r#"{{"{list}":[],"x":{value}}}"#),
                format!(
                    r#"{{"temperature":{value},"{list}":[{{"role":"user","content":"x","y":{value}}}]}}"#
                ),
                format!(
                    r#"{{"tools":[{{"name":"a","input_schema":{{"default":{value}}}}}],"{list}":[]}}"#
                ),
                format!(" \n{{ \"x\" : {value} ,\r\n\t\"{list}\":[ ] }}\n\n"),
            ] {
                assert_passes(&provider, &sidecar, dialect, body.as_bytes()).await;
            }
        }
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn half_a_surrogate_pair_is_refused_wherever_it_stands() {
    assert_refused(
        [
            r#"{"x":"\ud800"}"#,
            r#"{"x":"\udc00"}"#,
            r#"{"x":"\udc00\ud800"}"#,
            r#"{"x":"\ud800\u0041"}"#,
            r#"{"x":"\ud83d\ud83d\ude00"}"#,
            r#"{"x":"\uD83D😀"}"#,
            r#"{"\ud800":1}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a\udbffb"}]}]}"#,
            r#"{"tools":[{"name":"\udfff"}]}"#,
        ],
        "ambiguous_json",
    )
    .await;
}

#[tokio::test]
async fn what_is_no_text_is_refused() {
    let utf16 = |big: bool, mark: bool| -> Vec<u8> {
        let text = if mark {
            "\u{feff}{\"x\":1}"
        } else {
            "{\"x\":1}"
        };
        let bytes = |unit: u16| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        };
        text.encode_utf16().flat_map(bytes).collect()
    };
    let utf32: Vec<u8> = "{}"
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect();
    let with = |bytes: &[u8]| [b"{\"x\":\"", bytes, b"\"}"].concat();
    assert_refused(
        [
            b"\xEF\xBB\xBF{}".to_vec(),
            utf16(true, true),
            utf16(false, true),
            utf16(true, false),
            utf16(false, false),
            utf32,
            with(b"\xFF"),
            with(b"\xC0\x80"),
            with(b"\xC1\xBF"),
            with(b"\xE0\x80\x80"),
            with(b"\xED\xA0\x80"),
            with(b"\xF4\x90\x80\x80"),
            with(b"\xF8\x88\x80\x80\x80"),
            with(b"\xE2\x82"),
            b"{\"x\xFF\":1}".to_vec(),
            b"\xFF\xFE".to_vec(),
            b"{}\xFF".to_vec(),
        ],
        "invalid_json",
    )
    .await;
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    assert_refused(
        [
            "",
            " ",
            "null",
            "true",
            "1",
            "\"x\"",
            "[]",
            "[{}]",
            "NaN",
            "{",
            "}",
            "{]",
            "[}",
            "{\"x\"}",
            "{\"x\":}",
            "{x:1}",
            "{'x':1}",
            "{\"x\":1,}",
            "{,}",
            "{\"x\":[1,]}",
            "{\"x\":01}",
            "{\"x\":1.}",
            "{\"x\":.5}",
            "{\"x\":+1}",
            "{\"x\":1e}",
            "{\"x\":-}",
            "{\"x\":0x10}",
            "{\"x\":NaN}",
            "{\"x\":Infinity}",
            "{\"x\":TRUE}",
            "{\"x\":nul}",
            "{\"x\":\"a\nb\"}",
            "{\"x\":\"a\0b\"}",
            "{\"x\":\"\\x41\"}",
            "{\"x\":\"\\u12\"}",
            "{\"x\":\"\\u{41}\"}",
            "{\"x\":\"a}",
            "{} {}",
            "{}{}",
            "{}x",
            "{}\0",
            "\0{}",
            "// x\n{}",
            "{}/* x */",
            "{\u{a0}}",
            "{}\u{2028}",
            "\u{c}{}",
            "data: {}\n\n",
        ],
        "invalid_json",
    )
    .await;
}

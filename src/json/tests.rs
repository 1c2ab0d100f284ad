use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Document, JsonError> {
    Document::parse(text.to_owned().into(), &Limits::default())
}

fn error(text: &[u8]) -> JsonErrorKind {
    let parsed = Document::parse(text.to_vec().into(), &Limits::default());
    parsed.unwrap_err().kind().clone()
}

#[test]
fn a_key_that_stands_twice_is_refused_in_any_spelling_at_any_depth() {
    for text in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"\u0061":1,"a":2}"#,
        r#"[[[[[[[[{"x":{"b":0,"a":1,"c":3,"a":2}}]]]]]]]]"#,
        r#"{"messages":[{"content":[{"input":{"a":1,"a":2}}]}]}"#,
    ] {
        assert_eq!(
            error(text.as_bytes()),
            JsonErrorKind::DuplicateKey("a".into()),
            "{text}"
        );
    }
    let wide: Vec<_> = (0..5000)
        .map(|n| format!("\"key number {n}\":{n}"))
        .collect();
    assert!(parse(&format!("{{{}}}", wide.join(","))).is_ok());
    let twice = format!("{{{},\"key number \\u0034999\":0}}", wide.join(","));
    assert_eq!(
        error(twice.as_bytes()),
        JsonErrorKind::DuplicateKey("key number 4999".into())
    );
}

#[test]
fn the_same_key_in_different_objects_is_fine() {
    for text in [
        r#"{"a":{"a":{"a":1}},"b":{"a":2}}"#,
        r#"[{"a":1},{"a":2}]"#,
        r#"{"":1,"\u0000":2,"a":3,"A":4}"#,
    ] {
        assert!(parse(text).is_ok(), "{text}");
    }
}

#[test]
fn what_readers_disagree_about_is_refused() {
    assert_eq!(error(b"\xEF\xBB\xBF{}"), JsonErrorKind::ByteOrderMark);
    assert_eq!(error(b"\xFF\xFE{\0}\0"), JsonErrorKind::ByteOrderMark);
    assert_eq!(error(b"{\"a\":\"\xFF\"}"), JsonErrorKind::InvalidUtf8);
    assert_eq!(error(b"\"\xED\xA0\x80\""), JsonErrorKind::InvalidUtf8);
    assert_eq!(error(br#"{"a":"\ud800"}"#), JsonErrorKind::LoneSurrogate);
    assert_eq!(error(br#"{"a":"\udc00"}"#), JsonErrorKind::LoneSurrogate);
    assert_eq!(
        error(br#"{"a":"\ud800\u0041"}"#),
        JsonErrorKind::LoneSurrogate
    );
    assert_eq!(error(br#"{"\ud800":1}"#), JsonErrorKind::LoneSurrogate);
    assert_eq!(error(b"{} {}"), JsonErrorKind::TrailingData);
    assert_eq!(error(b"{}\0"), JsonErrorKind::TrailingData);
    assert_eq!(error(b""), JsonErrorKind::UnexpectedEnd);
    assert!(matches!(error(b"NaN"), JsonErrorKind::Syntax(_)));
    assert!(matches!(error(b"{'a':1}"), JsonErrorKind::Syntax(_)));
    assert!(matches!(error(b"[1,]"), JsonErrorKind::Syntax(_)));
    assert!(matches!(error(b"[01]"), JsonErrorKind::Syntax(_)));
    assert!(matches!(error(b"[1 2]"), JsonErrorKind::Syntax(_)));
    assert!(matches!(error(b"// c\n1"), JsonErrorKind::Syntax(_)));
    assert!(matches!(error(b"\"a\nb\""), JsonErrorKind::Syntax(_)));
    let long = format!("\"{}\u{1}\"", "x".repeat(200));
    assert_eq!(
        Document::parse(long.into(), &Limits::default())
            .unwrap_err()
            .at(),
        201
    );
}

#[test]
fn surrogate_pairs_big_numbers_and_escapes_survive() {
    let document =
        parse(r#"{"s":"\ud83c\udf0d \u2028 \\ \/","n":[1E400,-0,1e2,12345678901234567890123]}"#)
            .unwrap();
    let root = document.root();
    assert_eq!(
        root.get("s").unwrap().as_str().unwrap().decode(),
        "🌍 \u{2028} \\ /"
    );
    let numbers: Vec<_> = root.get("n").unwrap().items().map(|n| n.text()).collect();
    assert_eq!(
        numbers,
        [&b"1E400"[..], b"-0", b"1e2", b"12345678901234567890123"]
    );
    assert_eq!(
        document.bytes(),
        &br#"{"s":"\ud83c\udf0d \u2028 \\ \/","n":[1E400,-0,1e2,12345678901234567890123]}"#[..]
    );
}

#[test]
fn depth_and_width_are_bounded_without_recursion() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(128)).is_ok());
    assert_eq!(error(nested(129).as_bytes()), JsonErrorKind::TooDeep(128));
    assert_eq!(
        error("[".repeat(1_000_000).as_bytes()),
        JsonErrorKind::TooDeep(128)
    );
    let limits = Limits {
        values: 10,
        ..Limits::default()
    };
    assert!(Document::parse("[1,1,1,1,1,1,1,1,1]".into(), &limits).is_ok());
    let wide = Document::parse("[1,1,1,1,1,1,1,1,1,1]".into(), &limits);
    assert_eq!(wide.unwrap_err().kind(), &JsonErrorKind::TooManyValues(10));
}

#[test]
fn values_are_found_at_every_depth() {
    let mut text = String::from("[1, \"deep\\n\", {\"k\" : [ ] }]");
    for _ in 0..12 {
        text = format!("{{ \"x\" : {text} , \"y\":null}}");
    }
    let document = parse(&text).unwrap();
    let mut json = document.root();
    for _ in 0..12 {
        assert!(json.get("y").unwrap().is_null());
        json = json.get("x").unwrap();
    }
    let items: Vec<_> = json.items().collect();
    assert_eq!(items.len(), 3);
    assert_eq!(items[0].as_u64(), Some(1));
    assert!(items[1].is_str("deep\n"));
    assert_eq!(items[2].get("k").unwrap().items().count(), 0);
    assert_eq!(items[2].text(), b"{\"k\" : [ ] }");
}

#[test]
fn asking_for_what_a_value_is_not_answers_nothing() {
    let document = parse(r#"{"s":"[1]","a":[1],"n":1.0}"#).unwrap();
    let root = document.root();
    assert_eq!(root.items().count(), 0);
    assert_eq!(root.get("s").unwrap().items().count(), 0);
    assert_eq!(root.get("a").unwrap().members().count(), 0);
    assert!(root.get("a").unwrap().get("s").is_none());
    assert_eq!(root.get("n").unwrap().as_u64(), None);
    assert!(root.as_str().is_none());
}

#[test]
fn removing_items_leaves_sound_arrays_and_every_other_byte() {
    let text = "{\"a\" : [ 0 ,  1,2 , 3 ] }";
    let document = parse(text).unwrap();
    let array = document.root().get("a").unwrap();
    let without = |unwanted: &[usize]| {
        let mut edits = Edits::default();
        edits.remove_items(array, |index, _| unwanted.contains(&index));
        String::from_utf8(edits.apply(document.bytes()).to_vec()).unwrap()
    };
    assert_eq!(without(&[]), text);
    assert_eq!(without(&[0]), "{\"a\" : [ 1,2 , 3 ] }");
    assert_eq!(without(&[3]), "{\"a\" : [ 0 ,  1,2 ] }");
    assert_eq!(without(&[1, 2]), "{\"a\" : [ 0 , 3 ] }");
    assert_eq!(without(&[0, 2]), "{\"a\" : [ 1 , 3 ] }");
    assert_eq!(without(&[0, 1, 3]), "{\"a\" : [ 2 ] }");
    assert_eq!(without(&[0, 1, 2, 3]), "{\"a\" : [  ] }");
}

#[test]
fn removing_a_member_leaves_a_sound_object_and_every_other_byte() {
    let text = "{ \"a\" : 1 ,  \"\\u0062\":[2], \"c\":{\"a\":3} }";
    let document = parse(text).unwrap();
    let root = document.root();
    let without = |name| {
        let mut edits = Edits::default();
        edits.remove_member(root, name);
        String::from_utf8(edits.apply(document.bytes()).to_vec()).unwrap()
    };
    assert_eq!(without("d"), text);
    assert_eq!(without("a"), r#"{ "\u0062":[2], "c":{"a":3} }"#);
    assert_eq!(without("b"), r#"{ "a" : 1, "c":{"a":3} }"#);
    assert_eq!(without("c"), r#"{ "a" : 1 ,  "\u0062":[2] }"#);

    let mut edits = Edits::default();
    edits.remove_member(root.get("c").unwrap(), "a");
    edits.remove_member(root.get("b").unwrap(), "a");
    edits.set_member(root, "e", "4");
    assert_eq!(
        edits.apply(document.bytes()),
        r#"{ "a" : 1 ,  "\u0062":[2], "c":{},"e":4 }"#
    );
    let mut edits = Edits::default();
    edits.remove_members(root, |_| true);
    assert_eq!(edits.clone().apply(document.bytes()), "{  }");
    edits.set_member(root, "d", "4");
    edits.set_member(root, "e", "5");
    assert_eq!(edits.apply(document.bytes()), r#"{ "d":4,"e":5 }"#);
}

#[test]
fn one_value_may_be_cut_out_with_its_changes() {
    let document = parse(r#"[1, {"a":2}, 3]"#).unwrap();
    let object = document.root().items().nth(1).unwrap();
    let same = Edits::default().apply_in(object, document.bytes());
    assert_eq!(same, r#"{"a":2}"#);
    assert_eq!(same.as_ptr(), object.text().as_ptr());
    let mut edits = Edits::default();
    edits.set_member(object, "b", "4");
    assert_eq!(edits.apply_in(object, document.bytes()), r#"{"a":2,"b":4}"#);
}

#[test]
fn setting_a_member_replaces_or_appends() {
    let set = |text: &str| {
        let document = parse(text).unwrap();
        let mut edits = Edits::default();
        edits.set_member(document.root(), "a\"", quote("x\u{2028}"));
        String::from_utf8(edits.apply(document.bytes()).to_vec()).unwrap()
    };
    assert_eq!(set("{ }"), r#"{"a\"":"x\u2028" }"#);
    assert_eq!(set(r#"{ "b": 1 }"#), r#"{ "b": 1,"a\"":"x\u2028" }"#);
    assert_eq!(
        set(r#"{"\u0061\"": 1, "b":2}"#),
        r#"{"\u0061\"": "x\u2028", "b":2}"#
    );
    assert_eq!(set("[]"), "[]");
}

#[test]
fn several_members_may_be_added_to_one_object() {
    let add = |text: &str| {
        let document = parse(text).unwrap();
        let mut edits = Edits::default();
        for (name, json) in [("a", "1"), ("b", "2"), ("c", "3")] {
            edits.set_member(document.root(), name, json);
        }
        String::from_utf8(edits.apply(document.bytes()).to_vec()).unwrap()
    };
    assert_eq!(add("{ }"), r#"{"a":1,"b":2,"c":3 }"#);
    assert_eq!(add(r#"{"x":{}}"#), r#"{"x":{},"a":1,"b":2,"c":3}"#);
    assert_eq!(add(r#"{"b":{}}"#), r#"{"b":2,"a":1,"c":3}"#);
}

/// Any JSON with any white space, as text.
fn any_json() -> impl Strategy<Value = String> {
    let space = prop::sample::select(vec!["", "", " ", "\n\t ", "\r\n"]);
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(|f| format!("{f:e}")),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        "[a-z ]{0,300}".prop_map(|s| format!("\"{s}\\u00e9\"")),
    ];
    scalar.prop_recursive(9, 200, 8, move |inner| {
        let space = space.clone();
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..8), space.clone()).prop_map(
                |(items, s)| format!("{s}[{s}{}{s}]{s}", items.join(&format!("{s},{s}")))
            ),
            (
                prop::collection::btree_map(any::<String>(), inner, 0..8),
                space
            )
                .prop_map(|(members, s)| {
                    let members: Vec<_> = members
                        .iter()
                        .map(|(k, v)| format!("{}{s}:{s}{v}", serde_json::to_string(k).unwrap()))
                        .collect();
                    format!("{{{s}{}{s}}}", members.join(&format!("{s},{s}")))
                }),
        ]
    })
}

/// The view, turned into a tree by way of every accessor.
fn tree(json: Json<'_>) -> serde_json::Value {
    match json.kind() {
        Kind::Object => json
            .members()
            .map(|(k, v)| (k.decode().into_owned(), tree(v)))
            .collect(),
        Kind::Array => json.items().map(tree).collect::<Vec<_>>().into(),
        Kind::String => json.as_str().unwrap().decode().into(),
        Kind::Bool => json.as_bool().unwrap().into(),
        Kind::Null => serde_json::Value::Null,
        Kind::Number => serde_json::from_slice(json.text()).unwrap(),
    }
}

proptest! {
    #[test]
    fn the_view_says_what_a_tree_parser_says(text in any_json()) {
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(tree(parse(&text).unwrap().root()), expected);
    }

    #[test]
    fn no_bytes_panic_and_what_passes_is_json(bytes in prop::collection::vec(
        prop::sample::select(b"{}[]\":,\\ux0dD8-+.eE1truefalsn \n\xC3\xA9\x00".to_vec()), 0..64,
    )) {
        if let Ok(document) = Document::parse(bytes.clone().into(), &Limits::default()) {
            // serde_json refuses numbers beyond f64, which are JSON.
            if let Err(error) = serde_json::from_slice::<serde_json::Value>(&bytes) {
                prop_assert!(error.to_string().contains("number out of range"), "{}", error);
            }
            prop_assert_eq!(document.root().span().len(), bytes.trim_ascii().len());
        }
    }

    #[test]
    fn what_a_strict_parser_refuses_is_refused(text in any_json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let ours = Document::parse(bytes.clone().into(), &Limits::default());
        if serde_json::from_slice::<serde_json::Value>(&bytes).is_err() {
            prop_assert!(ours.is_err() || String::from_utf8_lossy(&bytes).contains(['e', 'E']));
        } else if let Err(error) = ours {
            prop_assert!(error.is_ambiguous(), "{}", error);
        }
    }
}

#[test]
fn of_several_replacements_of_one_value_the_last_counts() {
    let document = parse(r#"{"a":1,"b":2}"#).unwrap();
    let value = document.root().get("a").unwrap();
    let mut edits = Edits::default();
    edits.replace(value, "10");
    edits.set_member(document.root(), "a", "20");
    assert_eq!(edits.apply(document.bytes()), r#"{"a":20,"b":2}"#);
}

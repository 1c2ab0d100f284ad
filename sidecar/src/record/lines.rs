//! Exchanges as lines of JSON: what exports and archives consist of.

use std::{error::Error, io::Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use luthien::record::store::{AnyStore, Side, Store, StoreError};
use serde_json::{Value, json};

/// Which form of the exports that are to be processed this is.
pub(crate) const VERSION: u32 = 1;

/// Writes the exchanges of a session, one a line, with everything that is known of it. Answers how many they were.
pub(crate) async fn lines(
    store: &AnyStore,
    session: &str,
    out: &mut dyn Write,
) -> Result<u64, Box<dyn Error>> {
    let (mut count, mut cursor) = (0, None);
    loop {
        let page = store.transactions(session, cursor, 200).await?;
        for row in &page.items {
            let Some(exchange) = store.transaction(&row.transaction_id).await? else {
                continue;
            };
            let mut value = json!({ "version": VERSION });
            if let (Value::Object(all), Value::Object(own)) =
                (&mut value, serde_json::to_value(&exchange)?)
            {
                all.extend(own);
                all.extend(bytes(store, &row.transaction_id).await?);
            }
            serde_json::to_writer(&mut *out, &value)?;
            writeln!(out)?;
            count += 1;
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(count);
        }
    }
}

/// The exact bytes of an exchange, by name; what went up and what came from there only if it is something else.
async fn bytes(store: &AnyStore, id: &str) -> Result<Vec<(String, Value)>, StoreError> {
    let request = kept(store.request_bytes(id, Side::Client).await)?;
    let sent = kept(store.request_bytes(id, Side::Provider).await)?;
    let reply = kept(store.reply_bytes(id, Side::Client).await)?;
    let received = kept(store.reply_bytes(id, Side::Provider).await)?;
    let sent = sent.filter(|sent| request.as_ref() != Some(sent));
    let received = received.filter(|received| reply.as_ref() != Some(received));
    let all = [
        ("request", request),
        ("sent_request", sent),
        ("reply", reply),
        ("received_reply", received),
    ];
    let all = all.into_iter().filter_map(|(name, bytes)| {
        let bytes = bytes?;
        Some(match str::from_utf8(&bytes) {
            Ok(text) => (name.to_owned(), text.into()),
            Err(_) => (format!("{name}_base64"), STANDARD.encode(&bytes).into()),
        })
    });
    Ok(all.collect())
}

/// What was not kept is left out.
pub(crate) fn kept(
    bytes: Result<bytes::Bytes, StoreError>,
) -> Result<Option<bytes::Bytes>, StoreError> {
    match bytes {
        Ok(bytes) => Ok(Some(bytes)),
        Err(StoreError::Missing(_) | StoreError::Join(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

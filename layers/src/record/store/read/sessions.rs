use super::{
    super::{
        StoreError,
        engine::{Tx, Value},
        rows::SessionRow,
        sealed::Begin,
        words::Query,
    },
    cursor::{Cursor, MOST, Page},
    spoken::spoken,
};

/// Which sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// In which something happened at this time or later, in microseconds since 1970.
    pub from: Option<i64>,
    /// That began before this time.
    pub until: Option<i64>,
    /// Of this person.
    pub user: Option<String>,
    /// Whose names begin like this.
    pub session: Option<String>,
    /// In which this model was asked for.
    pub model: Option<String>,
    /// In which a policy decided like this, and it took effect: `modify`, `block`, `ask`, `failed` or `skipped`.
    pub verdict: Option<String>,
    /// In which an exchange ended like this.
    pub ending: Option<String>,
    /// In which these words were said, all of them in one message.
    pub text: Option<String>,
}

/// Conditions, and what is compared in them.
#[derive(Default)]
pub(super) struct Conditions {
    pub(super) all: Vec<String>,
    pub(super) values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition, in which `?` is the value.
    pub(super) fn add(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        let place = format!("${}", self.values.len());
        self.all.push(condition.replace('?', &place));
    }

    pub(super) fn sql(&self) -> String {
        match &*self.all {
            [] => "1 = 1".to_owned(),
            all => all.join(" AND "),
        }
    }
}

impl SessionFilter {
    /// The conditions on a session `s`.
    pub(super) fn conditions(&self, conditions: &mut Conditions) {
        if let Some(from) = self.from {
            conditions.add("s.last_at >= ?", from);
        }
        if let Some(until) = self.until {
            conditions.add("s.first_at < ?", until);
        }
        let listed = |name: &str| format!("%{}%", escaped(&quoted(name)));
        if let Some(user) = &self.user {
            conditions.add("s.users LIKE ? ESCAPE '\\'", listed(user));
        }
        if let Some(model) = &self.model {
            conditions.add("s.models LIKE ? ESCAPE '\\'", listed(model));
        }
        if let Some(ending) = &self.ending {
            conditions.add("s.endings LIKE ? ESCAPE '\\'", listed(ending));
        }
        if let Some(session) = &self.session {
            // As a range, so that an index can serve; behind it nothing begins like this.
            conditions.add("s.session_id >= ?", session.as_str());
            conditions.add("s.session_id < ?", format!("{session}\u{10FFFF}"));
        }
        if let Some(verdict) = &self.verdict {
            let column = match verdict.as_str() {
                "allow" => "allowed",
                "modify" => "modified",
                "block" => "blocked",
                "ask" => "asked",
                "failed" => "failed",
                "skipped" => "skipped",
                // Nobody has decided like that.
                _ => "number < 0 AND s.number",
            };
            conditions.all.push(format!("s.{column} > 0"));
        }
    }
}

/// A name as it stands in a list in JSON.
fn quoted(name: &str) -> String {
    serde_json::to_string(name).unwrap_or_default()
}

/// A text in which nothing means anything to `LIKE`.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}

fn columns() -> String {
    let columns: Vec<_> = SessionRow::COLUMNS
        .iter()
        .map(|name| format!("s.{name}"))
        .collect();
    columns.join(", ")
}

pub(in super::super) async fn sessions(
    store: &(impl Begin + ?Sized),
    filter: &SessionFilter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page<SessionRow>, StoreError> {
    let limit = limit.clamp(1, MOST);
    let mut tx = store.read().await?;
    let page = match filter.text.as_deref().map(Query::read) {
        Some(query) => spoken(&mut tx, filter, &query, cursor, limit).await?,
        None => Page::of(
            list(&mut tx, filter, cursor, limit + 1).await?,
            limit,
            cursor_of,
        ),
    };
    tx.commit().await?;
    Ok(page)
}

pub(super) fn cursor_of(session: &SessionRow) -> Cursor {
    Cursor {
        at: session.last_at,
        number: session.number,
    }
}

/// The next sessions, the latest first.
pub(super) async fn list(
    tx: &mut Tx,
    filter: &SessionFilter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Vec<SessionRow>, StoreError> {
    let mut conditions = Conditions::default();
    filter.conditions(&mut conditions);
    if let Some(cursor) = cursor {
        let (at, number) = (conditions.values.len() + 1, conditions.values.len() + 2);
        conditions
            .values
            .extend([cursor.at.into(), cursor.number.into()]);
        conditions
            .all
            .push(format!("(s.last_at, s.number) < (${at}, ${number})"));
    }
    let sql = format!(
        "SELECT {} FROM sessions s WHERE {} ORDER BY s.last_at DESC, s.number DESC LIMIT {limit}",
        columns(),
        conditions.sql(),
    );
    let rows = tx.rows(sql, conditions.values).await?;
    Ok(rows
        .iter()
        .filter_map(|row| SessionRow::read(row, 0))
        .collect())
}

pub(in super::super) async fn session(
    store: &(impl Begin + ?Sized),
    id: &str,
) -> Result<Option<SessionRow>, StoreError> {
    let mut tx = store.read().await?;
    let row = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(row)
}

pub(in super::super) async fn find(
    tx: &mut Tx,
    id: &str,
) -> Result<Option<SessionRow>, StoreError> {
    let sql = format!(
        "SELECT {} FROM sessions s WHERE s.session_id = $1",
        columns()
    );
    let row = tx.row(sql, vec![id.into()]).await?;
    Ok(row.and_then(|row| SessionRow::read(&row, 0)))
}

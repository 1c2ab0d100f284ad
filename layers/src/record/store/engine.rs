//! What the two engines have in common: statements of the same words, values, rows, transactions.

use sqlx::{AssertSqlSafe, Column as _, TypeInfo as _, ValueRef as _};

use super::StoreError;

/// A value of a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Flag(Option<bool>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Flag(Some(value))
    }
}

impl From<Option<bool>> for Value {
    fn from(value: Option<bool>) -> Self {
        Self::Flag(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}

impl From<Option<Vec<u8>>> for Value {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self::Bytes(value)
    }
}

impl From<&crate::record::ContentHash> for Value {
    fn from(value: &crate::record::ContentHash) -> Self {
        Self::Bytes(Some(value.bytes().to_vec()))
    }
}

/// A row of an answer, its columns by their places. What is not there, or something else, is `None`.
#[derive(Debug)]
pub(super) struct Row(Vec<Cell>);

#[derive(Debug)]
enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Row {
    pub(super) fn int(&self, at: usize) -> Option<i64> {
        match self.0.get(at)? {
            Cell::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn flag(&self, at: usize) -> Option<bool> {
        self.int(at).map(|number| number != 0)
    }

    pub(super) fn text(&self, at: usize) -> Option<&str> {
        match self.0.get(at)? {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn string(&self, at: usize) -> Option<String> {
        self.text(at).map(str::to_owned)
    }

    pub(super) fn bytes(&self, at: usize) -> Option<&[u8]> {
        match self.0.get(at)? {
            Cell::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn hash(&self, at: usize) -> Option<crate::record::ContentHash> {
        crate::record::ContentHash::read(self.bytes(at)?)
    }
}

/// Which engine it is: where statements differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    #[cfg(feature = "sqlite")]
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

impl Engine {
    /// What is written behind a value of this column.
    fn cast(self, column: &str) -> &'static str {
        match (self, column) {
            #[cfg(feature = "sqlite")]
            (Self::Sqlite, _) => "",
            #[cfg(feature = "postgres")]
            (Self::Postgres, "body_json") => "::json",
            #[cfg(feature = "postgres")]
            (Self::Postgres, _) => "",
        }
    }
}

/// A transaction. It is rolled back unless it is committed.
pub struct Tx {
    pub(super) name: std::sync::Arc<str>,
    pub(super) inner: Inner,
}

pub(super) enum Inner {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

/// Runs a statement with its values on whatever connection there is.
macro_rules! on {
    ($tx:expr, $sql:expr, $values:expr, $connection:ident, $query:ident => $run:expr) => {
        match &mut $tx.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite($connection) => {
                let $query = bound!(sqlx::Sqlite, $sql, $values);
                let $connection = &mut **$connection;
                $run
            }
            #[cfg(feature = "postgres")]
            Inner::Postgres($connection) => {
                let $query = bound!(sqlx::Postgres, $sql, $values);
                let $connection = &mut **$connection;
                $run
            }
        }
    };
}

macro_rules! bound {
    ($engine:ty, $sql:expr, $values:expr) => {{
        let mut query = sqlx::query::<$engine>(AssertSqlSafe($sql));
        for value in $values {
            query = match value {
                Value::Int(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
                Value::Bytes(value) => query.bind(value),
                Value::Flag(value) => query.bind(value),
            };
        }
        query
    }};
}

impl Tx {
    pub(super) fn engine(&self) -> Engine {
        match self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(_) => Engine::Sqlite,
            #[cfg(feature = "postgres")]
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement, and answers how many rows it has changed.
    pub(super) async fn execute(
        &mut self,
        sql: impl Into<String>,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let sql = sql.into();
        let done = on!(self, sql, values, connection, query => {
            query.execute(connection).await.map(|done| done.rows_affected())
        });
        done.map_err(|error| StoreError::of(&self.name, &error))
    }

    /// Runs statements without values.
    pub(super) async fn script(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let done = match &mut self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(connection) => sqlx::raw_sql(sql)
                .execute(&mut **connection)
                .await
                .map(drop),
            #[cfg(feature = "postgres")]
            Inner::Postgres(connection) => sqlx::raw_sql(sql)
                .execute(&mut **connection)
                .await
                .map(drop),
        };
        done.map_err(|error| StoreError::of(&self.name, &error))
    }

    /// The rows that a statement answers.
    pub(super) async fn rows(
        &mut self,
        sql: impl Into<String>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into();
        let rows = on!(self, sql, values, connection, query => {
            query.fetch_all(connection).await.and_then(|rows| rows.iter().map(read).collect())
        });
        rows.map_err(|error| StoreError::of(&self.name, &error))
    }

    /// The first row that a statement answers.
    pub(super) async fn row(
        &mut self,
        sql: impl Into<String>,
        values: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let Self { name, inner } = self;
        let done = match inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(transaction) => transaction.commit().await,
            #[cfg(feature = "postgres")]
            Inner::Postgres(transaction) => transaction.commit().await,
        };
        done.map_err(|error| StoreError::of(&name, &error))
    }

    /// Inserts rows, many at once.
    pub(super) async fn insert(
        &mut self,
        insert: &Insert<'_>,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), StoreError> {
        let mut rows = rows.into_iter();
        // Statements are prepared once for each number of rows: so there are few numbers.
        for size in [32, 8, 2, 1] {
            while rows.len() >= size {
                let values = rows.by_ref().take(size).flatten().collect();
                let sql = insert.sql(self.engine(), size);
                self.execute(sql, values).await?;
            }
        }
        Ok(())
    }

    /// The rows for which a column has one of these values: `$IN` stands for them in the statement.
    pub(super) async fn rows_in(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut found = Vec::new();
        let mut values = values.into_iter().peekable();
        while values.peek().is_some() {
            let mut some: Vec<_> = values.by_ref().take(256).collect();
            // Few numbers of values, as above; what stands twice is found once.
            let size = [1, 4, 16, 64, 256]
                .into_iter()
                .find(|size| *size >= some.len());
            if let Some(last) = some.last().cloned() {
                some.resize(size.unwrap_or(some.len()), last);
            }
            let places: Vec<_> = (1..=some.len()).map(|place| format!("${place}")).collect();
            let sql = sql.replace("$IN", &format!("({})", places.join(",")));
            found.append(&mut self.rows(sql, some).await?);
        }
        Ok(found)
    }
}

/// An `INSERT`.
pub(super) struct Insert<'a> {
    pub(super) table: &'static str,
    pub(super) columns: &'static [&'static str],
    /// What is written behind the values.
    pub(super) then: &'a str,
}

impl Insert<'_> {
    fn sql(&self, engine: Engine, rows: usize) -> String {
        use std::fmt::Write;
        let mut sql = String::with_capacity(64 + rows * self.columns.len() * 6);
        sql.push_str("INSERT INTO ");
        sql.push_str(self.table);
        let mut separator = " (";
        for column in self.columns {
            sql.push_str(separator);
            sql.push_str(column.trim_end_matches("_json"));
            separator = ", ";
        }
        sql.push_str(") VALUES ");
        let mut place = 0;
        for row in 0..rows {
            let mut separator = if row == 0 { "(" } else { ", (" };
            for column in self.columns {
                place += 1;
                write!(sql, "{separator}${place}{}", engine.cast(column)).ok();
                separator = ", ";
            }
            sql.push(')');
        }
        sql.push(' ');
        sql.push_str(self.then);
        sql
    }
}

/// Reads a row of either engine.
fn read<'r, R>(row: &'r R) -> Result<Row, sqlx::Error>
where
    R: sqlx::Row,
    usize: sqlx::ColumnIndex<R>,
    i64: sqlx::Decode<'r, R::Database>,
    bool: sqlx::Decode<'r, R::Database>,
    i32: sqlx::Decode<'r, R::Database>,
    String: sqlx::Decode<'r, R::Database>,
    Vec<u8>: sqlx::Decode<'r, R::Database>,
{
    let cell = |at: usize| {
        let value = row.try_get_raw(at)?;
        if value.is_null() {
            return Ok(Cell::Null);
        }
        let info = value.type_info();
        Ok(match info.name() {
            "INTEGER" | "INT8" | "BIGINT" => Cell::Int(row.try_get_unchecked(at)?),
            "INT4" => Cell::Int(i64::from(row.try_get_unchecked::<i32, _>(at)?)),
            "BOOL" | "BOOLEAN" => Cell::Int(i64::from(row.try_get_unchecked::<bool, _>(at)?)),
            "BLOB" | "BYTEA" => Cell::Bytes(row.try_get_unchecked(at)?),
            _ => Cell::Text(row.try_get_unchecked(at)?),
        })
    };
    row.columns()
        .iter()
        .map(|column| cell(column.ordinal()))
        .collect::<Result<_, _>>()
        .map(Row)
}

#[cfg(test)]
impl Row {
    /// The row as JSON; bytes in hexadecimal digits.
    pub(super) fn json(&self) -> Vec<serde_json::Value> {
        let cell = |cell: &Cell| match cell {
            Cell::Null => serde_json::Value::Null,
            Cell::Int(number) => (*number).into(),
            Cell::Text(text) => text.as_str().into(),
            Cell::Bytes(bytes) => bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into(),
        };
        self.0.iter().map(cell).collect()
    }
}

//! The prepared statements of a connection.

use std::collections::HashMap;

use tokio_postgres::{Client, Error, Statement};

use super::placeholders::numbered;

/// Prepared statements by their text.
#[derive(Default)]
pub(super) struct Prepared(HashMap<String, Statement>);

impl Prepared {
    pub(super) async fn get(&mut self, client: &Client, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.0.get(sql) {
            return Ok(statement.clone());
        }
        let statement = client.prepare(&numbered(sql)).await?;
        self.0.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

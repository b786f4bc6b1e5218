//! The PostgreSQL database that is measured, in which each part has schemas of its own.

use std::process::Command;

use mock_server::store::{Address, Location, ScratchSchemas};

pub(crate) struct Database {
    pub(crate) url: String,
    schemas: ScratchSchemas,
}

/// A schema, which is dropped by [`Database::drop`].
pub(crate) struct Schema {
    pub(crate) name: String,
    pub(crate) location: Location,
}

impl Database {
    pub(crate) async fn open(url: &str) -> Self {
        let address = Address::parse(url).unwrap();
        let schemas = ScratchSchemas::open(&address, "bench", &std::process::id().to_string()).await.unwrap();
        Self { url: url.to_owned(), schemas }
    }

    pub(crate) async fn schema(&self, number: usize) -> Schema {
        let (name, address) = self.schemas.create(number).await.unwrap();
        Schema { name, location: Location::Postgres(Box::new(address)) }
    }

    pub(crate) async fn drop(&self, schema: Schema) {
        self.schemas.drop(&schema.name).await.unwrap();
    }

    /// Runs statements, one after another, and returns what they print.
    pub(crate) fn run(&self, statements: &[&str]) -> String {
        let mut psql = Command::new("psql");
        psql.args(["-qAt", "-v", "ON_ERROR_STOP=1", &self.url]);
        for statement in statements {
            psql.args(["-c", statement]);
        }
        let output = psql.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

//! Generates values from the system's random source.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use harness_model::scenario::template::Generators;

#[derive(Debug, Clone, Copy)]
pub struct Chance;

impl Generators for Chance {
    fn uuid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }

    fn public_key(&self) -> String {
        STANDARD.encode(rand::random::<[u8; 32]>())
    }

    fn secret_hex(&self) -> String {
        rand::random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

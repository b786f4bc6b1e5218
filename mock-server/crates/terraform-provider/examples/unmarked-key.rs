//! The provider with a defect: it does not mark `key` as sensitive. The kit's self-test must find it.

use std::process::ExitCode;

use terraform_provider_quickztna::auth_key;
use terraform_provider_quickztna::plugin;
use terraform_provider_quickztna::provider::Provider;
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let mut provider = Provider::new(variable, OffsetDateTime::now_utc);
    let schema = provider.schema.resource_schemas.get_mut(auth_key::TYPE_NAME);
    let block = schema.and_then(|schema| schema.block.as_mut());
    for attribute in block.into_iter().flat_map(|block| &mut block.attributes) {
        attribute.sensitive = false;
    }
    match plugin::serve(provider, variable).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

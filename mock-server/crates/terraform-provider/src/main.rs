//! The program that Terraform starts.

use std::io::Write as _;
use std::process::ExitCode;

use terraform_provider_quickztna::plugin;
use terraform_provider_quickztna::provider::Provider;
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Terraform reads standard error as the plugin's log.
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let provider = Provider::new(variable, OffsetDateTime::now_utc);
    match plugin::serve(provider, variable).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "terraform-provider-quickztna: {error}");
            ExitCode::FAILURE
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

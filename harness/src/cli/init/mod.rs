//! `harness init`: sets up a vendor's repository for runs, by hand and in CI. Files that exist are kept.

mod files;

use std::path::{Path, PathBuf};

use clap::Args;
use time::{Duration, OffsetDateTime};

use harness_report::exit_code::ExitCode;
use harness_runner::targets::profile::Profile;

use super::console::Console;
use super::error::CliError;
use super::init_target::{ProfileFlags, draft, variables, write};
use files::{Kit, NewFile, Setup};

/// The name of the profile, unless --profile gives another.
const PROFILE: &str = "target.toml";
const WAIVERS: &str = "waivers.toml";
/// How long the example of a waiver lasts.
const WAIVED_DAYS: i64 = 30;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The repository's root folder
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// The profile, relative to DIR; an existing one is used as it is
    #[arg(long, value_name = "FILE", default_value = PROFILE)]
    profile: PathBuf,
    /// Where CI gets the kit's release archive: a URL, or a path in the repository [default: the variable
    /// HARNESS_ARCHIVE of the repository's settings]
    #[arg(long, value_name = "URL", conflicts_with = "image")]
    archive: Option<String>,
    /// The kit's image, out of which CI takes the program instead of an archive
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    #[command(flatten)]
    content: ProfileFlags,
}

pub(super) fn init(arguments: Arguments, console: &Console) -> Result<ExitCode, CliError> {
    let Arguments { folder, profile: profile_path, archive, image, content } = arguments;
    let kit = match (image, archive) {
        (Some(image), _) => Kit::Image(image),
        (None, Some(archive)) => Kit::Archive(archive),
        (None, None) => Kit::ArchiveOfVariable,
    };
    let path = folder.join(&profile_path);
    let exists = path.exists();
    let profile = match exists {
        true => Profile::read(&path)
            .map_err(|error| CliError::nothing_was_written(error.diagnostics, error.sources))?,
        false => {
            let draft = draft(content, "init", console)?;
            std::fs::create_dir_all(&folder)
                .map_err(|cause| CliError::WriteFile { path: folder.clone(), cause })?;
            write(&path, &draft)?
        }
    };
    tell(if exists { Creation::Kept } else { Creation::Written }, &path, console);
    let setup = Setup {
        profile: profile_path.to_string_lossy().into_owned(),
        waivers: WAIVERS.to_owned(),
        name: profile.content.name.clone(),
        variables: variables(&profile),
        expires: (OffsetDateTime::now_utc() + Duration::days(WAIVED_DAYS)).date(),
        kit,
    };
    for file in setup.files() {
        let path = folder.join(file.path);
        tell(create(&file, &path)?, &path, console);
    }
    console.print(&next_steps(&setup, &folder));
    Ok(ExitCode::Conformant)
}

/// What became of a file.
#[derive(Clone, Copy)]
enum Creation {
    Written,
    Kept,
    /// It exists, and is not what this kit would write.
    Outdated,
}

/// Writes a file unless it exists.
fn create(file: &NewFile, path: &Path) -> Result<Creation, CliError> {
    if path.exists() {
        let is_outdated =
            file.is_of_kit && std::fs::read(path).is_ok_and(|text| text != file.text.as_bytes());
        return Ok(if is_outdated { Creation::Outdated } else { Creation::Kept });
    }
    let above = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    above
        .and_then(|()| std::fs::write(path, &file.text))
        .map_err(|cause| CliError::WriteFile { path: path.to_owned(), cause })?;
    Ok(Creation::Written)
}

fn tell(creation: Creation, path: &Path, console: &Console) {
    let shown = path.strip_prefix(".").unwrap_or(path).display();
    console.print(&match creation {
        Creation::Written => format!("written {shown}\n"),
        Creation::Kept => format!("kept    {shown}\n"),
        Creation::Outdated => {
            format!("kept    {shown}, which differs from this kit's: remove it to have it written anew\n")
        }
    });
}

fn next_steps(setup: &Setup, folder: &Path) -> String {
    let mut text = "\nNext steps:\n".to_owned();
    if folder != Path::new(".") {
        text.push_str(&format!("  cd {}\n", shell_words::quote(&folder.to_string_lossy())));
    }
    for variable in &setup.variables {
        text.push_str(&format!("  export {variable}=…\n"));
    }
    text.push_str("  harness doctor\n  harness\n");
    if !setup.variables.is_empty() {
        text.push_str(&format!("In CI, as secrets: {}.\n", setup.variables.join(", ")));
    }
    if matches!(setup.kit, Kit::ArchiveOfVariable) {
        text.push_str("In CI, as a variable: HARNESS_ARCHIVE, the URL of the kit's release archive.\n");
    }
    text
}

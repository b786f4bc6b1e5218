//! The files of `harness init` besides the profile.

use time::Date;

/// What the files are about.
pub(super) struct Setup {
    pub(super) profile: String,
    pub(super) waivers: String,
    /// The target's name.
    pub(super) name: String,
    /// The environment variables that the profile reads.
    pub(super) variables: Vec<String>,
    /// The last day of the example of a waiver.
    pub(super) expires: Date,
    pub(super) kit: Kit,
}

/// Where CI gets the kit.
pub(super) enum Kit {
    /// A URL or a path.
    Archive(String),
    /// The URL in the variable HARNESS_ARCHIVE of the repository's settings.
    ArchiveOfVariable,
    Image(String),
}

pub(super) struct NewFile {
    pub(super) path: &'static str,
    pub(super) text: String,
    /// Whether a newer kit may bring a newer version of it: the vendor has no reason to edit it.
    pub(super) is_of_kit: bool,
}

const ACTION: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../.github/actions/conformance/action.yml"));

impl Setup {
    pub(super) fn files(&self) -> Vec<NewFile> {
        let file = |path, text: String| NewFile { path, text, is_of_kit: false };
        vec![
            file("waivers.toml", self.filled(include_str!("waivers.toml"), toml_text)),
            file("harness.toml", self.filled(include_str!("harness.toml"), toml_text)),
            NewFile {
                path: ".github/actions/conformance/action.yml",
                text: ACTION.to_owned(),
                is_of_kit: true,
            },
            file(".github/workflows/conformance.yml", self.workflow()),
        ]
    }

    fn workflow(&self) -> String {
        let kit = match &self.kit {
            Kit::Image(image) => format!("image: {}", yaml(image)),
            Kit::Archive(archive) => format!("archive: {}", yaml(archive)),
            Kit::ArchiveOfVariable => "archive: ${{ vars.HARNESS_ARCHIVE }}".to_owned(),
        };
        let secrets = |variable: &String| format!("\n          {variable}: ${{{{ secrets.{variable} }}}}");
        let env = match self.variables.is_empty() {
            true => String::new(),
            false => format!("\n        env:{}", self.variables.iter().map(secrets).collect::<String>()),
        };
        let text = self.filled(include_str!("workflow.yml"), yaml);
        text.replace("{KIT}", &kit).replace("{ENV}", &env)
    }

    /// Fills the placeholders; `quoted` writes a value in the file's language.
    fn filled(&self, text: &str, quoted: impl Fn(&str) -> String) -> String {
        let name: String = self.name.chars().filter(|character| !character.is_control()).collect();
        text.replace("{PROFILE}", &quoted(&self.profile))
            .replace("{WAIVERS}", &quoted(&self.waivers))
            .replace("{EXPIRES}", &self.expires.to_string())
            .replace("{NAME}", &name)
    }
}

fn toml_text(text: &str) -> String {
    // Strings of JSON are strings of TOML.
    serde_json::Value::from(text).to_string()
}

/// Writes a value as it is where that is plain in YAML, and otherwise in quotes.
fn yaml(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-./".contains(character);
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(plain);
    // And strings of YAML.
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

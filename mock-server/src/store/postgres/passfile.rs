//! Passwords outside of the command line, which other users can see: PGPASSWORD and PGPASSFILE, as libpq has them.

use std::env;
use std::fs;

/// Whose password is wanted.
pub(super) struct Account<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// Returns the password of the environment, or of the file that it names.
pub(super) fn password(account: &Account<'_>) -> Option<String> {
    if let Some(password) = env::var("PGPASSWORD").ok().filter(|password| !password.is_empty()) {
        return Some(password);
    }
    let text = fs::read_to_string(env::var_os("PGPASSFILE")?).ok()?;
    find(&text, account)
}

/// Returns the password of the first matching line `HOST:PORT:DATABASE:USER:PASSWORD`, in which `*` stands for any value.
fn find(text: &str, account: &Account<'_>) -> Option<String> {
    let port = account.port.to_string();
    let wanted = [account.host, &port, account.database, account.user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let [named @ .., password] = fields.as_slice() else { return None };
        let matches = named.len() == wanted.len()
            && named.iter().zip(wanted).all(|(named, wanted)| named == "*" || named == wanted);
        matches.then(|| password.clone())
    })
}

/// Splits a line at the colons without a backslash before them.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' if fields.len() < 5 => fields.push(String::new()),
            character => {
                let literal = if character == '\\' { characters.next().unwrap_or('\\') } else { character };
                if let Some(last) = fields.last_mut() {
                    last.push(literal);
                }
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_line_has_the_password() {
        let text =
            "# comment\nlocalhost:5432:plane:ada:first\n*:*:plane:ada:se:cond\\\\\nh\\:1:5432:*:bob:third\n";
        for (host, port, user, expected) in [
            ("localhost", 5432, "ada", Some("first")),
            ("elsewhere", 5433, "ada", Some("se:cond\\")),
            ("h:1", 5432, "bob", Some("third")),
            ("localhost", 5432, "eve", None),
        ] {
            let account = Account { host, port, database: "plane", user };
            assert_eq!(find(text, &account).as_deref(), expected, "{host} {user}");
        }
    }
}

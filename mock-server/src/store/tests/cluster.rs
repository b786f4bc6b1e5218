//! A PostgreSQL server for the tests of one process, on a socket, without fsync. It ends with the process, however that
//! ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The database's URL; the server stops when its input ends.
struct Cluster {
    url: String,
    _input: ChildStdin,
}

/// Prints the folder once the server runs in it, and removes it in the end.
const SCRIPT: &str = r#"
for bin in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V); do PATH=$bin:$PATH; done
command -v initdb >/dev/null && command -v pg_ctl >/dev/null || exit 3
folder=$(mktemp -d /tmp/mock-server-postgres-XXXXXX) || exit 1
cd "$folder"
trap 'pg_ctl -D data -m immediate stop >/dev/null 2>&1; rm -rf "$folder"' EXIT
trap '' INT
initdb -D data -N -A trust -U postgres --no-locale -E UTF8 >log 2>&1 || { cat log >&2; exit 1; }
pg_ctl -D data -w -l log -o "-k $folder -c listen_addresses= -c fsync=off -c max_connections=400 -c shared_buffers=32MB" start >/dev/null || { cat log >&2; exit 1; }
echo "$folder"
cat >/dev/null
"#;

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
static SCHEMAS: AtomicUsize = AtomicUsize::new(0);

/// Returns the URL of the database, or `None` with a line that says so where PostgreSQL is not installed.
pub(crate) fn url() -> Option<&'static str> {
    CLUSTER.get_or_init(start).as_ref().map(|cluster| cluster.url.as_str())
}

/// A number that no other test of the process uses, for a schema of its own.
pub(crate) fn number() -> usize {
    SCHEMAS.fetch_add(1, Ordering::Relaxed)
}

fn start() -> Option<Cluster> {
    let mut command = match rustix::process::geteuid().is_root() {
        // The server refuses to run as root.
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
            command
        }
        false => Command::new("sh"),
    };
    command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).current_dir("/");
    // A group of its own, so that Ctrl-C leaves it the time to clean up.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let started = command.spawn().ok().and_then(|mut child| {
        let mut folder = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut folder).ok()?;
        let folder = PathBuf::from(folder.trim_end());
        let input = child.stdin.take()?;
        folder.is_dir().then(|| Cluster {
            url: format!("postgres:///postgres?host={}&user=postgres", folder.display()),
            _input: input,
        })
    });
    if started.is_none() {
        assert!(
            std::env::var_os("REQUIRE_POSTGRES").is_none(),
            "no PostgreSQL, which REQUIRE_POSTGRES demands"
        );
        // Not captured, so that it is seen.
        let _ = writeln!(
            std::io::stderr(),
            "tests on PostgreSQL are skipped, which is not installed: apt-get install postgresql"
        );
    }
    started
}
